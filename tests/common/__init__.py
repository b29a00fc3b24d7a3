"""Tests of what every layer needs."""
