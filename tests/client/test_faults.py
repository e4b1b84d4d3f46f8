"""The fault matrix: each row ends as it says, with both of our clients, and the table says so."""

import sys
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest

from helpers import ChatError, RateLimitError, ServiceError, StreamInterruptedError
from helpers.client.responses import ChatCompletions
from tests.client.faults import table
from tests.client.faults.clients import OURS
from tests.client.faults.row import Answer, Failure, Outcome, Row, Verdict, differences, judge
from tests.client.faults.rows import BY_NAME, ROWS
from tests.client.faults.run import Cell, run
from tests.client.faults.said import BEGUN, GOOD, LONG

Outcomes = dict[Cell, Outcome]
each_client = pytest.mark.parametrize("client", OURS)


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    return run(ROWS)


@each_client
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_ends_as_it_says(outcomes: Outcomes, row: Row, client: str) -> None:
    assert differences(row, outcomes[row.name, client]) == []


def test_the_table_says_what_our_clients_do(outcomes: Outcomes) -> None:
    written = table.PATH.read_text(encoding="utf-8")
    told, versions = table.read(written)
    ours = {cell: said for cell, said in table.cells(outcomes).items() if cell[1] in OURS}
    assert table.page({**told, **ours}, versions) == written


def test_the_table_says_what_the_sdks_do(outcomes: Outcomes) -> None:
    told, versions = table.read(table.PATH.read_text(encoding="utf-8"))
    if versions != table.installed():
        pytest.skip(
            "the table is about other versions: python -m tests.client.faults makes it anew"
        )
    seen = {cell: table.verdict_in(said) for cell, said in table.cells(outcomes).items()}
    assert seen == {cell: table.verdict_in(said) for cell, said in told.items()}


@each_client
@pytest.mark.parametrize("name", ["stream: 5 MB", "long answer"])
def test_a_long_text_is_held_a_few_times_at_most(name: str, client: str) -> None:
    run([BY_NAME["stream: LF"]], [client])  # what is imported late is no part of it
    tracemalloc.start()
    try:
        done = run([BY_NAME[name]], [client])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert differences(BY_NAME[name], done[name, client]) == []
    assert peak < 5 * sys.getsizeof(LONG)


LIMITED = RateLimitError(status=429, code="429", words="Too many tokens.", retry_after=1.0)
CUT = StreamInterruptedError("It broke.", partial=ChatCompletions({}))
SAYS = Failure(RateLimitError, 429, "429", "Too many", retry_after=(1, 1))
BROKEN = Failure(StreamInterruptedError, says="broke", kept=BEGUN)
HALF = replace(BEGUN, texts=("Salt",))


@pytest.mark.parametrize(
    ("expect", "outcome", "found", "verdict"),
    [
        (GOOD, Outcome(GOOD), "", Verdict.RIGHT),
        (GOOD, Outcome(BEGUN), "not the answer", Verdict.WRONG),
        (GOOD, Outcome(error=LIMITED), "not the answer", Verdict.GAVE_UP),
        (GOOD, Outcome(error=ValueError()), "not the answer", Verdict.FOREIGN),
        (GOOD, Outcome(hung=True), "it hangs", Verdict.HANG),
        (GOOD, Outcome(GOOD, waits=(3.0,)), "1 waits", Verdict.RIGHT),
        (GOOD, Outcome(GOOD, requests=2), "2 requests", Verdict.RIGHT),
        (SAYS, Outcome(error=LIMITED), "", Verdict.NAMED),
        (SAYS, Outcome(Answer()), "no error of the family", Verdict.WRONG),
        (replace(SAYS, kind=ServiceError), Outcome(error=LIMITED), "kind", Verdict.NAMED),
        (replace(SAYS, status=503), Outcome(error=LIMITED), "status", Verdict.GAVE_UP),
        (replace(SAYS, code=None), Outcome(error=LIMITED), "code", Verdict.NAMED),
        (replace(SAYS, words=""), Outcome(error=LIMITED), "words", Verdict.NAMED),
        (replace(SAYS, says="60 s"), Outcome(error=LIMITED), "'60 s' is not", Verdict.NAMED),
        (
            replace(SAYS, retry_after=None),
            Outcome(error=LIMITED),
            "retry_after",
            Verdict.NAMED,
        ),
        (
            replace(SAYS, retry_after=(2, 3)),
            Outcome(error=LIMITED),
            "retry_after",
            Verdict.NAMED,
        ),
        (BROKEN, Outcome(error=CUT, kept=BEGUN), "", Verdict.NAMED),
        (BROKEN, Outcome(error=CUT, kept=HALF), "kept", Verdict.WRONG),
        (BROKEN, Outcome(error=CUT), "kept", Verdict.WRONG),
        (BROKEN, Outcome(BEGUN), "no error of the family", Verdict.WRONG),
    ],
)
def test_the_check_of_a_row_can_fail(
    expect: Any, outcome: Outcome, found: str, verdict: Verdict
) -> None:
    row = Row(name="row", does="", expect=expect, requests=1)
    outcome.requests = outcome.requests or 1
    told = differences(row, outcome)
    assert (len(told), told[0][: len(found)]) == (1, found) if found else told == []
    assert judge(row, outcome, ChatError) is verdict


def test_a_wait_and_a_long_error_are_checked() -> None:
    row = Row(name="row", does="", expect=GOOD, waits=((0.5, 1.0),))
    assert differences(row, Outcome(GOOD, waits=(0.7,))) == []
    assert differences(row, Outcome(GOOD, waits=(2.0,))) == ["wait of 2 s, not 0.5 to 1"]
    row = replace(row, expect=Failure(ServiceError, 500), waits=())
    long = ServiceError("word " * 1000, status=500)
    assert "characters long" in differences(row, Outcome(error=long))[0]
