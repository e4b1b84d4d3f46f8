"""The content filter box: refused or not in words, and the filter's chart."""

from typing import Any

from helpers import ContentFilterError
from helpers.connect import connect
from helpers.views.content_filter import (
    Outcome,
    filter_results,
    outcomes_view,
    severity,
)
from helpers.widgets.filter_box import ContentFilterBox
from tests.fakes import COMPLETION, answer, client
from tests.widgets.panels import control, press, state
from tests.widgets.test_ask_panel import SYSTEM

WHOLE, CUT = "What is a serrated knife?", "Which knife is best for bread?"
VIOLENCE = "Refused, the model never saw it: violence (no level)."
REFUSED = {
    "error": {
        "code": "content_filter",
        "message": "No.",
        "innererror": {"content_filter_result": {"violence": {"filtered": True}}},
    }
}


def outcome(body: Any = COMPLETION, status: int = 200) -> Outcome:
    """What comes of a sentence when this is the answer."""
    try:
        return client(answer(status, body)).complete(SYSTEM)
    except ContentFilterError as refusal:
        return refusal


def ran(box: ContentFilterBox, sentence: str) -> str:
    """Type a sentence and press Run: what a person then reads in the status line."""
    control(box, "sentence").value = sentence
    press(box)
    return state(box)[1]


def test_run_shows_the_chart_of_the_sentence_and_puts_it_last() -> None:
    box = ContentFilterBox(connect("07-content-safety"), SYSTEM, initial={WHOLE: outcome()})
    assert control(box, "answer").value == box.static_view().html
    assert ran(box, CUT) == "Finished. Not refused, but the answer was cut: violence (medium)."
    assert list(box.outcomes) == [WHOLE, CUT]
    assert severity(filter_results(box.outcomes[CUT])).html in control(box, "answer").value
    assert control(box, "answer").value == box.static_view().html
    assert "takes hold of the crust" in box.static_view().plain
    ran(box, WHOLE)
    assert list(box.outcomes) == [CUT, WHOLE]


def test_a_refusal_is_an_outcome_and_any_other_error_keeps_what_there_is() -> None:
    wrong = answer(401, {"error": {"message": "Who?"}})
    box = ContentFilterBox(client(answer(400, REFUSED), wrong), SYSTEM, initial={WHOLE: outcome()})
    assert ran(box, "A salad.") == f"Finished. {VIOLENCE}"
    assert ran(box, "New").startswith("It failed. The service refused the credential. (HTTP 401)")
    assert list(box.outcomes) == [WHOLE, "A salad."]
    listed = outcomes_view(box.outcomes, with_newest=False).html
    assert control(box, "answer").value == listed and listed in box.static_view().html
    assert control(box, "sentence").value == "New"
