"""
The SOAP door: WS-Security, dated requests, clients.
"""
