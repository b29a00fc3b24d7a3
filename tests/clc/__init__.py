"""The cloud controller."""
