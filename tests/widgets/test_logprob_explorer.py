"""The logprob explorer: every token a control that tells its rivals, without a script."""

from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag

from helpers.client.responses import ChatCompletions
from helpers.views.logprobs import MAX_TOKENS, heatmap, tokens_of
from helpers.widgets.logprob_explorer import (
    MAX_RIVALS,
    LogprobExplorer,
    choices,
    explorable,
    spoken,
)
from helpers.widgets.panel import WIDGET_VIEW
from tests.views.test_logprobs import PLAIN_ANSWER, SMILE, half, token

UNSURE = token(" alive", 0.31, **{" spoken": 0.55, " known": 0.08, " alive": 0.31})


def page(*sent: Any) -> BeautifulSoup:
    return BeautifulSoup(explorable(tokens_of(sent)), "html.parser")


def text(html: Tag) -> str:
    """The text on the page before anything is chosen, the figures left out."""
    for part in html.select("sub, .cc-rivals"):
        part.decompose()
    for line in html("br"):
        line.replace_with("\n")
    return html.get_text()


def test_who_watches_gets_the_controls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "lesson.ipynb")
    panel = LogprobExplorer(ChatCompletions({"choices": [{"logprobs": {"content": PLAIN_ANSWER}}]}))
    assert WIDGET_VIEW in panel._repr_mimebundle_()
    assert panel.static_view() == heatmap(PLAIN_ANSWER)
    assert panel.root.children[-2].value == explorable(tokens_of(PLAIN_ANSWER))
    panel = LogprobExplorer(ChatCompletions({"choices": []}))
    assert panel.root.children[-2].value == panel.static_view().html
    assert "Ask with logprobs=True" in panel.static_view().html


def test_every_token_is_one_control_of_one_group_in_order() -> None:
    html = page(*PLAIN_ANSWER)
    (form,), (group,) = html("form"), html.select("[role=radiogroup]")
    controls = group("input")
    assert form["method"] == "dialog" and not html("script")
    assert group["aria-label"]
    assert {(c["type"], c["name"], c.get("disabled")) for c in controls} == {
        ("radio", "token", None)
    }
    assert all(c.parent.name == "label" for c in controls)
    names = [c["aria-label"].partition(",")[0] for c in controls]
    assert names == ["'About'", "' seven'", "' thousand'", "'.\\nNobody'", "' knows'"]
    assert all(c["data-lm-suppress-shortcuts"] == "true" for c in controls)
    assert [c["aria-label"].partition(",")[0] for c in group.select("[checked]")] == ["' thousand'"]
    assert text(group) == "About seven thousand.\nNobody knows"


def test_its_alternatives_stand_beside_each_token() -> None:
    html = page(token("Are"), UNSURE)
    assert html.form and html.form["style"] == "--cc-rows: 5"  # as high as the longest needs
    places = html.select(".cc-rivals")
    assert places[1].get_text("\n").replace("\u00a0", " ").split("\n") == [
        "Token 2 of 2: ' alive'",
        *choices(tokens_of([UNSURE])[0]),
    ]
    assert str(places[0]).count("<br") == 2  # the token, itself, and that no others were sent


def test_choices_are_in_order_and_say_which_was_written() -> None:
    assert choices(tokens_of([UNSURE])[0]) == [
        "██████░░░░  55% ' spoken'",
        "███░░░░░░░  31% ' alive' (written)",
        "█░░░░░░░░░   8% ' known'",
        "█░░░░░░░░░   6% any other token",
    ]
    assert spoken(tokens_of([UNSURE])[0]) == "' alive', 31%. Instead: ' spoken' 55%, ' known' 8%."


@pytest.mark.parametrize("rest", [0.004, 0.0, -0.2])
def test_what_is_left_is_said_only_if_it_counts(rest: float) -> None:
    told = choices(tokens_of([token("a", 0.7, b=0.3 - rest)])[0])
    assert [line[16:] for line in told] == ["'a' (written)", "'b'"]


def test_without_alternatives_it_says_so() -> None:
    for sent in (token("a", 0.5), half(SMILE[:2])):
        (found,) = tokens_of([sent])
        assert choices(found)[1:] == ["No alternatives were sent."]
        assert spoken(found).endswith("Instead: none sent.")


def test_a_token_without_a_logprob_has_no_level() -> None:
    (found,) = tokens_of([token("a", 0.5, b=0.3) | {"logprob": None}])
    assert choices(found)[:2] == ["███░░░░░░░  30% 'b'", "░░░░░░░░░░    ? 'a' (written)"]


def test_many_alternatives_are_bounded_and_the_others_are_in_the_rest() -> None:
    told = choices(tokens_of([token("a", 0.5, **{f"r{n}": 0.02 for n in range(20)})])[0])
    assert len(told) == 1 + MAX_RIVALS + 1
    assert told[-1] == "████░░░░░░  40% any other token"


def test_all_facts_but_the_table_are_those_of_the_static_view() -> None:
    said = text(page(*PLAIN_ANSWER))
    legend, _, summary, *_ = heatmap(PLAIN_ANSWER).plain.split("\n\n")
    assert legend in said and summary in said


def test_a_long_answer_is_bounded() -> None:
    sent = [token(f"{n} ", 0.5, **{f"r{i}": 0.02 for i in range(20)}) for n in range(2_000)]
    html = explorable(tokens_of(sent))
    assert html.count("<input") == MAX_TOKENS
    assert "Token 500 of 2000" in html
    assert f"the first {MAX_TOKENS} tokens" in html
    assert len(html) < 700 * MAX_TOKENS + 1_000
