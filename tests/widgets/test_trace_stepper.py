"""The trace stepper: forward, back and all at once, each step with who, what, to whom and why."""

import json

from bs4 import BeautifulSoup

from helpers import ToolMessage, UserMessage
from helpers.views.trace import MAX_STEPS, steps_of, trace, why
from helpers.widgets.trace_stepper import TraceStepper, current, earlier
from tests.views.test_trace import CONVERSATION, calling, made
from tests.widgets.panels import primary

STEPS = steps_of(CONVERSATION)
HEADS = [
    "Step 1 of 7: your program → model, instructs",
    "Step 2 of 7: user → model, says",
    "Step 3 of 7: model → your program, asks for train",
    "Step 4 of 7: model → your program, asks for now",
    "Step 5 of 7: your program → model, result of step 4: an error",
    "Step 6 of 7: your program → model, result of step 3",
    "Step 7 of 7: model → user, says",
]


def now(panel: TraceStepper) -> str:
    """The head of the current step, as the controls show it."""
    return BeautifulSoup(panel.status.value, "html.parser").b.get_text()  # type: ignore[union-attr]


def before(panel: TraceStepper) -> list[tuple[str, bool]]:
    """The lines of the earlier steps, and whether they are open."""
    html = BeautifulSoup(panel._earlier.value, "html.parser")
    return [(one.summary.get_text(), one.has_attr("open")) for one in html("details")]


def watched() -> TraceStepper:
    panel = TraceStepper(CONVERSATION)
    assert panel.root
    return panel


def test_next_unfolds_one_step_after_the_other_and_back_folds_them() -> None:
    panel = watched()
    assert (now(panel), before(panel)) == (HEADS[0], [])
    assert "6 more to come" in panel._remaining.value
    for position in range(2, 8):
        assert primary(panel) == ["next"]
        panel._buttons["next"].click()
        assert now(panel) == HEADS[position - 1]
        heads = [(line.partition(": ")[0], is_open) for line, is_open in before(panel)]
        assert heads == [(head.partition(": ")[0], False) for head in HEADS[: position - 1]]
    panel._buttons["next"].click()
    assert now(panel) == HEADS[6] and "That is all" in panel._remaining.value
    assert primary(panel) == ["start"]
    panel._buttons["back"].click()
    assert (now(panel), len(before(panel))) == (HEADS[5], 5)
    for _ in range(9):
        panel._buttons["back"].click()
    assert (now(panel), before(panel)) == (HEADS[0], [])


def test_all_opens_every_step_and_start_goes_back_to_the_first() -> None:
    panel = watched()
    panel._buttons["all"].click()
    assert now(panel) == HEADS[6]
    assert panel.static_view() == trace(CONVERSATION)
    assert before(panel)[0] == (f"{HEADS[0]}: Be kind.", True)
    assert [is_open for _, is_open in before(panel)] == [True] * 6
    panel._buttons["start"].click()
    assert (now(panel), before(panel)) == (HEADS[0], [])
    panel._buttons["next"].click()
    assert [is_open for _, is_open in before(panel)] == [False]


def test_the_current_step_is_told_to_a_screen_reader_as_a_whole() -> None:
    panel = watched()
    panel.go(3)
    (region,) = BeautifulSoup(panel.status.value, "html.parser").select("[role=status]")
    said = region.get_text()
    for part in (HEADS[2], why(STEPS, 3), "Arguments, id x:", '"to": "Oslo"', '"n": 2'):
        assert part in said.replace("\N{NO-BREAK SPACE}", " ")
    assert "role=" not in panel._earlier.value


def code(step: str) -> str:
    return BeautifulSoup(step, "html.parser").pre.get_text("\n")  # type: ignore[union-attr]


def test_json_has_a_line_for_each_field_and_all_else_is_as_it_was_written() -> None:
    shown = code(current(STEPS, 3)).replace("\N{NO-BREAK SPACE}", " ")
    assert json.loads(shown) == {"to": "Oslo", "n": 2}
    assert len(shown.splitlines()) == 4
    assert code(current(STEPS, 4)) == "(no arguments)"
    broken = steps_of([calling(made("train", '{"to": "Os'))])
    assert code(current(broken, 1)) == 'not a JSON object: {"to": "Os'
    assert code(current(steps_of([ToolMessage("at eight", "x")]), 1)) == "at eight"
    assert code(current(steps_of([ToolMessage("[1, {}]", "x")]), 1)).startswith("[")


def test_of_no_message_there_is_nothing_to_step_through() -> None:
    panel = TraceStepper([])
    assert panel.root
    for made_ in panel._buttons.values():
        made_.click()
    assert "No message yet." in panel.status.value
    assert panel.position == 0


def test_a_long_conversation_is_bounded_and_says_so() -> None:
    steps = steps_of([UserMessage(str(n)) for n in range(10_000)])
    html = earlier(steps, 10_000, is_open=True)
    assert html.count("<details") == MAX_STEPS
    assert f"{9_999 - MAX_STEPS} steps before these are not shown" in html
    assert earlier(steps, MAX_STEPS + 1, is_open=True).startswith("<details")
