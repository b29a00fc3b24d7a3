"""Tests for L{euca_tw.wsdl}."""
