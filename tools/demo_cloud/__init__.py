"""What C{make demo} and C{make demo-down} do, by subject."""
