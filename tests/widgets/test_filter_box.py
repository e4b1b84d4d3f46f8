"""The sentence box: refused or not in words, the filter's chart, and what can be asked offline."""

import threading
from typing import Any

import pytest

from helpers import ChatCompletionsClient, ContentFilterError, SystemMessage, UserMessage
from helpers.client.responses import ChatCompletions
from helpers.connect import connect
from helpers.views.content_filter import filter_results, severity
from helpers.widgets import panel as widgets
from helpers.widgets.filter_box import (
    MAX_SENTENCES,
    Outcome,
    SentenceBox,
    charted,
    happened,
    recorded_sentences,
    sentence_box,
)
from tests.fakes import COMPLETION, answer, client, leaked, service_of
from tests.views.test_views import HOSTILE, Page
from tests.widgets.test_job import LONG

SYSTEM = [SystemMessage("You are an AI assistant that helps people find information.")]
WHOLE, CUT = "What is a serrated knife?", "Which knife is best for bread?"
REFUSED = {
    "error": {
        "code": "content_filter",
        "message": "No.",
        "innererror": {"content_filter_result": {"violence": {"filtered": True}}},
    }
}
BUSY = {"error": {"message": "Too much at once."}}


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other thread has to be waited for here."""
    monkeypatch.setattr(widgets, "SETTLED", 0.0)


@pytest.fixture
def replayed() -> ChatCompletionsClient:
    return connect("07-content-safety")


def outcome(body: Any = COMPLETION, status: int = 200) -> Outcome:
    """What comes of a sentence when this is the answer."""
    try:
        return client(answer(status, body)).complete(SYSTEM)
    except ContentFilterError as refusal:
        return refusal


def judged(text: str | None = "Hi", finish: str = "stop", **verdicts: Any) -> ChatCompletions:
    """An answer with verdicts of the filter."""
    message = {"role": "assistant", "content": text}
    choice = {"message": message, "finish_reason": finish, "content_filter_results": verdicts}
    return ChatCompletions({"choices": [choice]})


def ran(box: SentenceBox, sentence: str) -> str:
    """Choose or type a sentence, press Run, wait: what a person then reads in the status line."""
    assert box.root
    box._box.value = sentence
    box._row.run.click()
    box.job.wait(LONG)
    return status(box)


def status(box: SentenceBox) -> str:
    return Page(f"<p>{box.status.value.partition('>')[2].removesuffix('</div>')}</p>").text


def test_what_the_lesson_has_is_shown_without_a_call() -> None:
    asked = client()
    known = {WHOLE: outcome(), "No salad.": outcome(REFUSED, 400)}
    box = sentence_box(asked, SYSTEM, shown=known)
    static_view = box.static_view()
    assert service_of(asked).requests == []
    assert not box.is_built
    assert static_view.plain.startswith(
        "No salad.\nRefused, the model never saw it: violence (no level)."
    )
    assert severity(filter_results(known["No salad."])).plain in static_view.plain
    cells = Page(static_view.html.replace(' class="cc-text"', "")).cells
    assert cells[-6:] == [
        *("sentence", "what happened", WHOLE, "Not refused.", "No salad."),
        "Refused, the model never saw it: violence (no level).",
    ]
    assert box.root
    assert box._outcome.value == static_view.html
    assert status(box) == "Ready. "
    assert service_of(asked).requests == []


def test_a_replay_offers_what_was_recorded_and_says_so(replayed: ChatCompletionsClient) -> None:
    box = sentence_box(replayed, SYSTEM, shown={CUT: outcome()})
    root = box.root
    assert "Answers are recorded here" in root.children[1].value
    assert box._box.value == ""
    assert {WHOLE, CUT} < set(box._box.options)
    assert list(box._box.options) == box.sentences == recorded_sentences(replayed, SYSTEM)


def test_each_sentence_that_is_offered_has_a_recording(replayed: ChatCompletionsClient) -> None:
    box = sentence_box(replayed, SYSTEM, shown={})
    assert box.sentences and len(box.sentences) >= 5
    for sentence in box.sentences:
        assert ran(box, sentence).startswith("Finished. ")
    assert list(box.outcomes) == box.sentences
    words = " ".join(map(happened, box.outcomes.values()))
    for piece in ("Refused, ", "was cut: violence (medium)", "did not check", "no text", "why."):
        assert piece in words


@pytest.mark.parametrize(
    "before", [[], [SystemMessage("Be brief.")], [*SYSTEM, UserMessage("Hello")]]
)
def test_what_was_asked_in_another_way_is_not_offered(
    before: Any, replayed: ChatCompletionsClient
) -> None:
    assert recorded_sentences(replayed, before) == []
    box = sentence_box(replayed, before, shown={CUT: outcome()})
    assert "No recording of lesson 07-content-safety" in ran(box, CUT)


def test_run_shows_the_chart_of_the_sentence_and_adds_it_to_the_list(
    replayed: ChatCompletionsClient,
) -> None:
    box = sentence_box(replayed, SYSTEM, shown={WHOLE: outcome()})
    assert ran(box, CUT) == "Finished. Not refused, but the answer was cut: violence (medium)."
    assert list(box.outcomes) == [WHOLE, CUT]
    assert severity(filter_results(box.outcomes[CUT])).html in box._outcome.value
    assert box._outcome.value == box.static_view().html
    assert "takes hold of the crust" in box.static_view().plain
    ran(box, WHOLE)
    assert list(box.outcomes) == [CUT, WHOLE]


def test_live_any_sentence_can_be_typed_and_sent_with_enter() -> None:
    box = sentence_box(client(answer(400, REFUSED), answer()), SYSTEM, shown={WHOLE: outcome()})
    assert box.sentences is None
    assert box.root
    assert (box._box.value, box._box.options) == ("", (WHOLE,))
    assert "recorded" not in box.root.children[1].value
    box._box._handle_custom_msg({"event": "submit"}, [])
    box._box.value = "A salad of my own."  # as the page does it: the key first, then the text
    box.job.wait(LONG)
    assert status(box) == "Finished. Refused, the model never saw it: violence (no level)."
    service = service_of(box._client)
    assert service.body["messages"] == [
        *(message.as_dict() for message in SYSTEM),
        {"role": "user", "content": "A salad of my own."},
    ]
    assert (box._box.value, box._box.options) == ("", (WHOLE, "A salad of my own."))
    assert ran(box, "Another.") == "Finished. Not refused."


def test_nothing_is_sent_without_a_sentence() -> None:
    box = sentence_box(client(), SYSTEM, shown={})
    assert ran(box, "  ").startswith("It failed. There is no sentence to send.")
    assert service_of(box._client).requests == []
    assert box.static_view().plain == "No sentence yet."


def test_other_errors_are_said_in_words_and_nothing_is_lost() -> None:
    box = sentence_box(client(answer(401, BUSY)), SYSTEM, shown={WHOLE: outcome()})
    assert ran(box, "New").startswith("It failed. The service refused the credential. (HTTP 401)")
    assert list(box.outcomes) == [WHOLE]
    assert box._outcome.value == box.static_view().html
    assert box._box.value == "New"


def test_an_unrecorded_sentence_is_an_error_in_words(replayed: ChatCompletionsClient) -> None:
    box = sentence_box(replayed, SYSTEM, shown={})
    text = ran(box, "What is a spoon?")
    assert "No recording of lesson 07-content-safety" in text
    assert "or go live" in text


def test_stop_waits_no_longer_and_keeps_what_there_is() -> None:
    asked, go = threading.Event(), threading.Event()

    def slow() -> Any:
        asked.set()
        assert go.wait(LONG)
        return answer()()

    box = sentence_box(client(slow), SYSTEM, shown={WHOLE: outcome()})
    assert box.root
    box._box.value = "New"
    box._row.run.click()
    assert asked.wait(LONG)
    assert not box.run("Another")
    box._row.stop.click()
    box.job.wait(LONG)
    assert status(box) == "Stopped. "
    go.set()
    assert list(box.outcomes) == [WHOLE]


def test_the_list_stays_short() -> None:
    box = sentence_box(client(), SYSTEM, shown={})
    for number in range(MAX_SENTENCES + 2):
        box.run(f"Sentence {number}")
        box.job.wait(LONG)
    assert list(box.outcomes) == [f"Sentence {n}" for n in range(2, MAX_SENTENCES + 2)]


HATE = {"filtered": True, "severity": "high"}
HAPPENED: dict[str, tuple[Outcome, str]] = {
    "whole": (judged(hate={"filtered": False, "severity": "low"}), "Not refused."),
    "no verdicts": (outcome(), "Not refused."),
    "cut": (
        judged(finish="content_filter", hate=HATE, jailbreak={"filtered": True, "detected": True}),
        "Not refused, but the answer was cut: hate (high), jailbreak (detected).",
    ),
    "cut without a word": (
        judged(finish="content_filter"),
        "Not refused, but the answer was cut: the filter does not say why.",
    ),
    "unchecked": (
        judged(error={"code": "content_filter_error", "message": "down"}),
        "Not refused; the filter did not check the answer.",
    ),
    "no text": (judged(None), "Not refused, but no text came."),
    "refused": (
        outcome(REFUSED, 400),
        "Refused, the model never saw it: violence (no level).",
    ),
    "refused without a word": (
        outcome({"error": {"code": "content_filter"}}, 400),
        "Refused, the model never saw it: the filter does not say why.",
    ),
}


@pytest.mark.parametrize(("thing", "told"), HAPPENED.values(), ids=HAPPENED)
def test_what_happened_is_said_in_words(thing: Outcome, told: str) -> None:
    assert happened(thing) == told


def test_no_key_is_anywhere() -> None:
    box = sentence_box(client(answer(401, BUSY)), SYSTEM, shown={WHOLE: outcome()})
    ran(box, "New")
    states = [made.get_state() for made in (box._box, box._outcome, box.status)]
    assert leaked(box, box.static_view().html, box.job.progress, states) == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_harms_nobody(text: str) -> None:
    thing = judged(text, "content_filter", **{text: {"filtered": True, "severity": text}})
    view = charted({text: thing})
    page = Page(view.html.replace(' class="cc-text"', ""))
    assert len(view.html) < 500_000
    for shown in (view.html, view.plain, page.text):
        assert not set("\x00\x1b\u202e\ud800\u2028") & set(shown)
