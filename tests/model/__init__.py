"""Tests of L{euca_tw.model}."""
