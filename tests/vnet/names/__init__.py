"""Tests of L{euca_tw.vnet.names}."""
