"""
The cloud controller: what users asked for, and how it comes about.
"""
