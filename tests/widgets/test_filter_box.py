"""The content filter box: refused or not in words, and the filter's chart."""

from typing import Any

import pytest

from helpers import ChatCompletionsClient, ContentFilterError
from helpers.connect import connect
from helpers.views.content_filter import (
    Outcome,
    filter_results,
    outcome_words,
    outcomes_view,
    severity,
)
from helpers.widgets.filter_box import ContentFilterBox
from tests.fakes import COMPLETION, answer, client
from tests.views.test_views import Page
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


@pytest.fixture
def replayed() -> ChatCompletionsClient:
    return connect("07-content-safety")


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


def test_what_the_lesson_has_is_shown() -> None:
    known = {WHOLE: outcome(), "No salad.": outcome(REFUSED, 400)}
    box = ContentFilterBox(client(), SYSTEM, initial=known)
    view = box.static_view()
    assert view.plain.startswith(f"No salad.\n{VIOLENCE}")
    assert severity(filter_results(known["No salad."])).plain in view.plain
    cells = Page(view.html.replace(' class="cc-text"', "")).cells
    assert cells[-6:] == [
        *("sentence", "what happened", WHOLE, "Not refused.", "No salad.", VIOLENCE)
    ]
    assert control(box, "answer").value == view.html
    assert "No sentence yet." in repr(ContentFilterBox(client(), initial={}))


def test_the_examples_show_all_that_a_filter_does(replayed: ChatCompletionsClient) -> None:
    box = ContentFilterBox(replayed, SYSTEM, initial={})
    sentences = [*(box.examples() or {})]
    assert {WHOLE, CUT} < set(sentences)
    for sentence in sentences:
        assert ran(box, sentence).startswith("Finished. ")
    assert list(box.outcomes) == sentences
    words = " ".join(map(outcome_words, box.outcomes.values()))
    for piece in ("Refused, ", "was cut: violence (medium)", "did not check", "no text", "why."):
        assert piece in words


def test_run_shows_the_chart_of_the_sentence_and_puts_it_last(
    replayed: ChatCompletionsClient,
) -> None:
    box = ContentFilterBox(replayed, SYSTEM, initial={WHOLE: outcome()})
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
