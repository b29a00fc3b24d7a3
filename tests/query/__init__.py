"""Tests of L{euca_tw.query}."""
