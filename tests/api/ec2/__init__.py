"""Tests for L{euca_tw.api.ec2}."""
