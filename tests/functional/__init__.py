"""What needs root, libvirt or the network."""
