"""
The networks of instances on a host.
"""
