"""Faults that are brought upon real processes, and end as in a simulated world."""
