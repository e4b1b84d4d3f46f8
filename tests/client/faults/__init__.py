"""What real services do wrong, one row each, over real sockets, through both of our clients.

The modules ``*_rows`` say what the service does and what should come of it, ``service`` does it,
``run`` asks, and ``row`` compares.
"""
