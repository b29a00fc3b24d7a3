"""
The cluster controller: nodes, placement and their convergence.
"""
