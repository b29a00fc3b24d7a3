"""
What only a real Xen can show: it runs under emulation, see C{tools/xen}.
"""
