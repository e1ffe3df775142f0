"""API keys of the gateway: what they look like (text.py), and the table of them (table.py).

Beside the gateway, since `weir up` and the command line make keys too.
"""
