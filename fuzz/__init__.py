"""Fuzzing of what reads strangers' bytes, guided by coverage."""
