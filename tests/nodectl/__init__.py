"""The node: its drivers and its controller."""
