"""The whole table."""

from itertools import chain

from tests.client.faults import (
    answer_rows,
    error_rows,
    filter_rows,
    network_rows,
    stream_rows,
    tool_call_rows,
)

MODULES = (network_rows, error_rows, filter_rows, answer_rows, stream_rows, tool_call_rows)
ROWS = tuple(chain.from_iterable(module.rows() for module in MODULES))
BY_NAME = {row.name: row for row in ROWS}
assert len(BY_NAME) == len(ROWS), "two rows have the same name"
