"""What real services do wrong: a table of faults, each over real sockets and through both clients.

The modules ``*_rows`` hold the table, ``service`` plays a row, ``run`` asks for it with a client,
and ``row`` compares what came with what the row expects.
"""
