"""
What every layer needs and none owns: configuration, back-off, web, logs.
"""
