"""The name server of a node, for its own instances."""
