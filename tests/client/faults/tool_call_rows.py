"""Streamed tool calls: whole and in fragments, numbered, named and repeated in every way."""

from collections.abc import Iterator
from typing import Any

from tests.client.faults.row import Answer, Row, stream
from tests.client.faults.wire import CALL, FINAL, FIRST, MADE, events, update

ARGUMENTS = MADE[1]
HALVES = (ARGUMENTS[:5], ARGUMENTS[5:])


def begun(ident: Any = "a", arguments: Any = "", **more: Any) -> dict[str, Any]:
    """Return the first fragment of a call."""
    return {**CALL, "id": ident, "function": {"name": MADE[0], "arguments": arguments}, **more}


def rest(arguments: Any, **more: Any) -> dict[str, Any]:
    """Return another fragment of a call."""
    return {"function": {"arguments": arguments}, **more}


A, B = begun("a", ARGUMENTS), begun("b", ARGUMENTS)
HALF_A, HALF_B = ([rest(half, index=at) for half in HALVES] for at in (0, 1))
UNNUMBERED = [rest(half) for half in HALVES]
NULLS_LATER = [
    {"id": empty, "type": empty, "index": 0, "function": {"name": empty, "arguments": half}}
    for half, empty in zip(HALVES, (None, ""), strict=True)
]
TOOL_CALLS: dict[str, tuple[list[Any], int]] = {
    # fragments, each in an update of its own unless they stand in a list; how many calls they make
    "in pieces": ([begun(index=0), *HALF_A], 1),
    "two in turn": ([begun("a", index=0), begun("b", index=1),
                     HALF_A[0], HALF_B[0], HALF_B[1], HALF_A[1]], 2),
    "empty fields later": ([begun(index=0), *NULLS_LATER], 1),
    "arguments null first": ([begun(arguments=None, index=0), *HALF_A], 1),
    "odd ones between": ([[None, "f", begun(index=0)], None, 5, *HALF_A], 1),
    "no type": ([{name: value for name, value in A.items() if name != "type"}], 1),
    "no index": ([[A, B]], 2),
    "no index, in pieces": ([begun("a"), *UNNUMBERED, begun("b"), *UNNUMBERED], 2),
    "index always 0": ([{**A, "index": 0}, {**B, "index": 0}], 2),
    "whole again": ([{**A, "index": 0}] * 2 + [rest("", index=0), rest(None, index=0)], 1),
    "no ids": ([begun("", ARGUMENTS, index=0)] * 2, 2),
    "a name in each": ([begun(None, half, index=0) for half in HALVES], 1),
    "whole again without an id": ([{**A, "index": 0}, {"index": 0, "function": A["function"]}], 1),
    "whole again without a name": ([{**A, "index": 0}, rest(ARGUMENTS, index=0)], 1),
    "whole again in other words": (
        [{**A, "index": 0}, begun("a", '{"city":"Oslo"}', index=0), {**A, "index": 0}], 1),
    "an object again": ([begun("a", {"city": "Oslo"}, index=0)] * 2, 1),
    "an empty object first": ([begun("a", "{}", index=0), *HALF_A], 1),
    "the id in each, no index": ([begun("a"), *({**one, "id": "a"} for one in UNNUMBERED)], 1),
    "the id and the name in each": ([begun("a", half) for half in HALVES], 1),
    "the id in each, another index": (
        [begun("a", index=0), *({**one, "id": "a", "index": 1} for one in UNNUMBERED)], 1),
    "a new id in each": ([begun("a", HALVES[0], index=0), {**HALF_A[1], "id": "b"}], 1),
    "the id later": ([begun(None, HALVES[0], index=0), {**HALF_A[1], "id": "a"}], 1),
    "index a text in three": ([begun(index="0"), *({**one, "index": "0"} for one in HALF_A)], 1),
    "the same id twice": ([{**A, "index": 0}, {**A, "index": 1}], 2),
    "a name in pieces": (
        [{**CALL, "index": 0, "function": {"name": "wea", "arguments": ""}},
         {"index": 0, "function": {"name": "ther", "arguments": ""}}, *HALF_A], 1),
    "in pieces, then whole": ([begun(index=0), *HALF_A, {**A, "index": 0}], 1),
    "in pieces, then whole, no name": ([begun(index=0), *HALF_A, rest(ARGUMENTS, index=0)], 1),
    "no ids, in pieces, then whole": (
        [begun("", HALVES[0], index=0), HALF_A[1], begun("", ARGUMENTS, index=0)], 2),
    "the id and the name later": (
        [begun(None, HALVES[0], index=0), begun("a", HALVES[1], index=0)], 1),
    "an object after nothing": ([begun(index=0), rest({"city": "Oslo"}, index=0)], 1),
}  # fmt: skip


def rows() -> Iterator[Row]:
    """Yield all rows of this module."""
    for name, (fragments, count) in TOOL_CALLS.items():
        sent = [
            update({"tool_calls": one if isinstance(one, list) else [one]}) for one in fragments
        ]
        expect = Answer(("",), ("tool_calls",), (MADE,) * count)
        end = update({}, "tool_calls")
        yield stream(f"tool calls: {name}", *events([FIRST, *sent, end]), expect=expect)
    sent = [update({"tool_calls": [begun(arguments=one, index=0)]}) for one in (5, "{}")]
    expect = Answer(("",), ("stop",), ((MADE[0], "5{}"),))  # is no JSON, so no tool runs
    yield stream("tool calls: number, then text", *events([*sent, FINAL]), expect=expect)
    alone = [update({"tool_calls": one}) for one in (None, 5, "odd", {**A, "index": 0})]
    expect = Answer(("",), ("stop",), (MADE,))
    yield stream("tool calls: no list", *events([*alone, FINAL]), expect=expect)
