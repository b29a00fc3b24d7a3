"""Tests of what lies in C{tools}."""
