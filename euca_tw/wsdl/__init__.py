"""
Service descriptions, written from the declaration.
"""
