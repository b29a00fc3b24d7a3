"""
What is: the cloud's records, identifiers and life-cycles.
"""
