"""
Where records are kept: memory and SQLite behind one door.
"""
