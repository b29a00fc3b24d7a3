"""
The C{euca-tw} command.
"""
