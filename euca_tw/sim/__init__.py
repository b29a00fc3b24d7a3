"""The whole cloud on one clock: the real controllers, and a simulated world."""
