"""All rows."""

from itertools import chain

from tests.client.faults import answer_rows, error_rows, network_rows, stream_rows

KINDS = (network_rows, error_rows, answer_rows, stream_rows)
ROWS = tuple(chain.from_iterable(kind.rows() for kind in KINDS))
BY_NAME = {row.name: row for row in ROWS}
assert len(BY_NAME) == len(ROWS), "two rows have the same name"
