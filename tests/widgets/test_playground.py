"""The playground: a prompt and parameters, recorded or typed, and two answers side by side."""

from typing import Any

import pytest

from helpers.connect import connect
from helpers.widgets.playground import PARAMETERS, Playground, settings_of
from tests.fakes import ASK, DONE, answer, client, piece, service_of, streamed
from tests.widgets.panels import control, press, state, widgets_of

STORY = "Write the first sentence of a story about a lighthouse."
HI = streamed(piece("Hi "), piece("there"), piece(None, "stop"), DONE)


def boxes(panel: Playground) -> dict[str, str]:
    """The boxes that are not empty, with their texts."""
    names = ("prompt", *PARAMETERS)
    made = widgets_of(panel.root)
    texts = {one.description: one.value for one in made if "cc-wide" in one._dom_classes}
    return {name: texts[name] for name in names if texts[name]}


def test_an_example_fills_all_boxes_and_nothing_else_follows() -> None:
    panel = Playground(connect("03-parameters"), initial=[])
    listed = control(panel, "examples")
    assert len(listed.options) == 4, "the lesson streams three times"
    control(panel, "seed").value = "7"
    listed.label = f"{STORY} (temperature=1, top_p=0.1, max_tokens=30)"
    filled = {"prompt": STORY, "temperature": "1", "top_p": "0.1", "max_tokens": "30"}
    assert boxes(panel) == filled
    control(panel, "top_p").value = ""
    del filled["top_p"]
    assert boxes(panel) == filled
    assert press(panel).state == "finished"  # as it was recorded too
    control(panel, "seed").value = "7"
    assert press(panel).state == "failed"
    assert "This question was not recorded." in state(panel)[1]
    assert boxes(panel) == {**filled, "seed": "7"}


@pytest.mark.parametrize("lesson", ["03-parameters", None])
def test_the_boxes_begin_with_the_settings_of_the_last_answer(lesson: str | None) -> None:
    asked = connect(lesson) if lesson else client(HI)
    answers = list[Any]()
    for options in ({"temperature": 0}, {"temperature": 1}):
        said = {"role": "user", "content": STORY}
        with asked.stream([said], max_tokens=30, **options) as stream:
            list(stream)
        answers.append(stream.completion)
    panel = Playground(asked, initial=answers)
    assert boxes(panel) == {"prompt": STORY, "temperature": "1", "max_tokens": "30"}
    assert press(panel).state == "finished"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("temperature", "warm", "temperature is 'warm'; on the models route it has to be a number"),
        ("temperature", "nan", "temperature is nan;"),
        ("seed", "1.5", "seed is 1.5; on the models route it has to be a whole number"),
        ("top_p", "7", "from 0 to 1"),
    ],
)
def test_what_is_wrong_in_a_box_is_said_in_the_panel(name: str, text: str, words: str) -> None:
    asked = client(HI)
    panel = Playground(asked, initial=[])
    control(panel, "prompt").value, control(panel, name).value = "Well?", text
    assert press(panel).state == "failed"
    assert words in state(panel)[1] and service_of(asked).requests == []


def test_boxes_are_sent_empty_ones_are_not_and_the_answer_takes_the_last_place() -> None:
    asked = client(HI)
    panel = Playground(asked, initial=[])
    sent = {"temperature": 0.5, "stop": ["one", "two"], "seed": 7}
    assert panel.root
    panel.fill({"prompt": "Well?", **sent})
    press(panel)
    body = service_of(asked).body
    assert body["messages"] == [{"role": "user", "content": "Well?"}]
    assert {name: body[name] for name in PARAMETERS if name in body} == sent
    assert [settings_of(one) for one in panel.answers] == [{"prompt": "Well?", **sent}]
    assert "Hi there" in control(panel, "both").value and control(panel, "answer").value == ""


def test_tokens_that_the_service_does_not_tell_are_not_none() -> None:
    said = client(answer(body={"choices": [], "usage": {"prompt_tokens": 3}})).complete(ASK)
    rows = Playground(client(), initial=[said]).static_view().plain.splitlines()
    assert [row.split()[-1] for row in rows if row.startswith("prompt tokens")] == ["3"]
    assert next(row for row in rows if row.startswith("completion tokens")).endswith("(not told)")
