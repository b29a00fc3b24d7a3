"""Tests of L{euca_tw.overlay}."""
