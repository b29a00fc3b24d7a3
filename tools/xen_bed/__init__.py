"""A real Xen under emulation, for tests: see C{tools/xen}."""
