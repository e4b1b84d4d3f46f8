"""The logprob explorer: every token a control that tells its rivals, without a script."""

from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag

from helpers.client.responses import ChatCompletions
from helpers.views.logprobs import heatmap, tokens_of
from helpers.widgets.logprob_explorer import (
    MAX_RIVALS,
    LogprobExplorer,
    choices,
    explorable,
    spoken,
)
from tests.views.test_logprobs import PLAIN_ANSWER, SMILE, half, token
from tests.widgets.panels import control

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


def test_the_controls_are_those_of_the_answer_and_without_logprobs_it_says_so() -> None:
    panel = LogprobExplorer(ChatCompletions({"choices": [{"logprobs": {"content": PLAIN_ANSWER}}]}))
    assert control(panel, "explorer").value == explorable(tokens_of(PLAIN_ANSWER))
    panel = LogprobExplorer(ChatCompletions({"choices": []}))
    assert control(panel, "explorer").value == panel.static_view().html
    assert "Ask with logprobs=True" in panel.static_view().html


def test_its_alternatives_stand_beside_each_token() -> None:
    html = page(token("Are"), UNSURE)
    assert html.form and html.form["style"] == "--cc-rows: 5"  # as high as the longest needs
    places = html.select(".cc-rivals")
    assert places[1].get_text("\n").replace("\u00a0", " ").split("\n") == [
        "Token 2 of 2: ' alive'",
        *(one.replace("\u00a0", " ") for one in choices(tokens_of([UNSURE])[0])),
    ]
    assert str(places[0]).count("<br") == 2  # the token, itself, and that no others were sent


CHOICES: dict[str, tuple[Any, list[str]]] = {
    "in order": (
        UNSURE,
        [
            "██████░░░░  55% ' spoken'",
            "███░░░░░░░  31% ' alive' (written)",
            "█░░░░░░░░░   8% ' known'",
            "█░░░░░░░░░   6% any other token",
        ],
    ),
    "no alternatives": (
        token("a", 0.5),
        ["█████░░░░░  50% 'a' (written)", "No alternatives were sent."],
    ),
    "no logprob": (
        token("a", 0.5, b=0.3) | {"logprob": None},
        ["███░░░░░░░  30% 'b'", "░░░░░░░░░░    ? 'a' (written)", "███████░░░  70% any other token"],
    ),
    "many": (
        token("a", 0.5, **{f"r{n}": 0.02 for n in range(20)}),
        [
            "█████░░░░░  50% 'a' (written)",
            *(f"░░░░░░░░░░   2% 'r{n}'" for n in range(MAX_RIVALS)),
            "████░░░░░░  40% any other token",
        ],
    ),
    "too little is left": (
        token("a", 0.7, b=0.296),
        ["███████░░░  70% 'a' (written)", "███░░░░░░░  30% 'b'"],
    ),
}


@pytest.mark.parametrize(("sent", "lines"), CHOICES.values(), ids=CHOICES)
def test_what_could_have_stood_there_is_told_in_order(sent: Any, lines: list[str]) -> None:
    found = choices(tokens_of([sent])[0])
    assert [one.replace("\u00a0", " ") for one in found] == lines
    assert not any("' " in one.partition(" (")[0] for one in found), "a line could end there"


def test_a_screen_reader_says_the_token_and_its_rivals() -> None:
    assert spoken(tokens_of([UNSURE])[0]) == "' alive', 31%. Instead: ' spoken' 55%, ' known' 8%."
    assert spoken(tokens_of([half(SMILE[:2])])[0]).endswith("Instead: none sent.")


def test_all_facts_but_the_table_are_those_of_the_static_view() -> None:
    said = text(page(*PLAIN_ANSWER))
    assert "About seven thousand.\nNobody knows" in said
    legend, _, summary, *_ = heatmap(PLAIN_ANSWER).plain.split("\n\n")
    assert legend in said and summary in said
