"""
The EC2 API: one module per subject, and the table of operations.
"""
