"""Each row of faults has its expected outcome with both clients."""

import sys
import tracemalloc

import pytest

from tests.client.faults.row import Outcome, Row, differences
from tests.client.faults.rows import BY_NAME, ROWS
from tests.client.faults.run import Cell, run
from tests.client.faults.wire import LONG

each_client = pytest.mark.parametrize("way", ["sync", "async"])


@pytest.fixture(scope="module")
def outcomes() -> dict[Cell, Outcome]:
    return run(ROWS)


@each_client
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_outcome_of_a_row_is_the_expected_one(
    outcomes: dict[Cell, Outcome], row: Row, way: str
) -> None:
    assert differences(row, outcomes[row.name, way]) == []


@each_client
@pytest.mark.parametrize("name", ["stream: 5 MB", "long answer"])
def test_a_long_text_is_held_a_few_times_at_most(name: str, way: str) -> None:
    run([BY_NAME["stream: LF"]], [way])  # imports what is imported late
    tracemalloc.start()
    try:
        done = run([BY_NAME[name]], [way])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert differences(BY_NAME[name], done[name, way]) == []
    assert peak < 5 * sys.getsizeof(LONG)
