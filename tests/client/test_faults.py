"""Each row of faults has its expected outcome with both clients."""

import sys
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest

from helpers import RateLimitError, ServiceError, StreamInterruptedError
from helpers.client.responses import ChatCompletions
from tests.client.faults.row import BEGUN, GOOD, Failure, Outcome, Row, differences
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


LIMITED = RateLimitError(status=429, code="429", words="Too many tokens.", retry_after=1.0)
CUT = StreamInterruptedError("It broke.", partial=ChatCompletions({}))
SAYS = Failure(RateLimitError, 429, "429", "Too many", retry_after=(1, 1))
BROKEN = Failure(StreamInterruptedError, says="broke", kept=BEGUN)
CASES: list[tuple[Any, Outcome, str]] = [
    # what a row without waits expects, the outcome, the difference
    (GOOD, Outcome(GOOD), ""),
    (GOOD, Outcome(BEGUN), "not the answer"),
    (GOOD, Outcome(GOOD, waits=(3.0,)), "waits"),
    (GOOD, Outcome(GOOD, requests=2), "2 requests"),
    (SAYS, Outcome(error=LIMITED), ""),
    (SAYS, Outcome(error=ValueError()), "no ChatError"),
    (replace(SAYS, kind=ServiceError), Outcome(error=LIMITED), "kind"),
    (replace(SAYS, status=503), Outcome(error=LIMITED), "status"),
    (replace(SAYS, code=None), Outcome(error=LIMITED), "code"),
    (replace(SAYS, words=""), Outcome(error=LIMITED), "words"),
    (replace(SAYS, says="60 s"), Outcome(error=LIMITED), "message"),
    (replace(SAYS, retry_after=(2, 3)), Outcome(error=LIMITED), "retry_after"),
    (BROKEN, Outcome(error=CUT, kept=BEGUN), ""),
    (BROKEN, Outcome(error=CUT), "kept"),
    (Failure(ServiceError), Outcome(error=ServiceError("word " * 1000)), "length"),
]


@pytest.mark.parametrize(("expect", "outcome", "found"), CASES)
def test_a_difference_is_found(expect: Any, outcome: Outcome, found: str) -> None:
    told = differences(Row(name="row", expect=expect), outcome)
    assert (len(told), told[0][: len(found)]) == (1, found) if found else told == []


@pytest.mark.parametrize(("wait", "is_right"), [(0.7, True), (0.4, False), (2.0, False)])
def test_a_wait_is_checked(wait: float, is_right: bool) -> None:
    row = Row(name="row", expect=GOOD, waits=((0.5, 1.0),))
    assert (differences(row, Outcome(GOOD, waits=(wait,), requests=2)) == []) is is_right
