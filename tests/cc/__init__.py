"""Tests of L{euca_tw.cc}."""
