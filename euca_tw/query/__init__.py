"""
The Query door: parameters, signatures, dated answers.
"""
