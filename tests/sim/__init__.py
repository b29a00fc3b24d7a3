"""Tests for L{euca_tw.sim}."""
