"""
Tests of the command.
"""
