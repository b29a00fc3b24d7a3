"""The whole cloud in one process, on one clock: no sockets, no sleep."""
