"""
What can be said: the wire's language, declared once.
"""
