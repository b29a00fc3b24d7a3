"""
The trunk: what carries networks between the heads of clusters that cannot reach
each other's nodes, over one TCP port.
"""
