"""
What each operation refuses: a table, by subject, of EC2's documented errors.
"""
