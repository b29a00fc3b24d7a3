"""Real clients against a running cloud."""
