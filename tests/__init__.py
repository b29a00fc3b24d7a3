"""The tests of euca_tw, module by module."""
