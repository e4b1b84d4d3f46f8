"""All rows, by the section of the table that they stand in."""

from tests.client.faults import (
    answer_rows,
    broken_rows,
    error_rows,
    network_rows,
    retry_rows,
    stream_rows,
    tool_rows,
)
from tests.client.faults.row import Row

SECTIONS: dict[str, tuple[Row, ...]] = {
    "The network": tuple(network_rows.rows()),
    "Errors that the service reports": tuple(error_rows.rows()),
    "Not now": tuple(retry_rows.rows()),
    "Whole answers": tuple(answer_rows.rows()),
    "Streams": (*stream_rows.rows(), *tool_rows.rows()),
    "Streams that break": tuple(broken_rows.rows()),
}
ROWS = tuple(row for rows in SECTIONS.values() for row in rows)
BY_NAME = {row.name: row for row in ROWS}
assert len(BY_NAME) == len(ROWS), "two rows have the same name"
