"""
euca_tw: a private EC2 on a site's own machines.
"""
