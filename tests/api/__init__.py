"""Tests of L{euca_tw.api}."""
