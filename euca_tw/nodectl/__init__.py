"""
The node controller: domains, their disks, consoles and addresses.
"""
