"""The playground: settings that were recorded or are typed, and two answers side by side."""

import threading
from typing import Any

import pytest

from helpers import BadParameterError, ChatCompletionsClient, NoRecordingError
from helpers.connect import connect
from helpers.lessons import LESSONS, Lesson
from helpers.widgets import panel as widgets
from helpers.widgets.playground import playground, side_by_side
from helpers.widgets.playground_settings import (
    PARAMETERS,
    choices,
    followed,
    nearest,
    offers,
    setting_of,
)
from tests.fakes import ASK, DONE, answer, client, piece, service_of, streamed

NAMING = "Invent a name for a café where people practise languages. Only the name."
PLACE = "Name a city with a fine railway station. Only the city."


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other thread has to be waited for here."""
    monkeypatch.setattr(widgets, "SETTLED", 0.0)


@pytest.fixture
def replayed() -> ChatCompletionsClient:
    return connect("03-parameters")


def live(**made: Any) -> Any:
    asked = client(streamed(piece("Hi "), piece("there"), piece(None, "stop"), DONE), **made)
    return asked, playground(asked, shown=[])


def test_a_replay_offers_what_was_recorded_as_a_stream(replayed: ChatCompletionsClient) -> None:
    found = offers(replayed)
    assert found is not None
    for setting in ({"top_p": 1}, {"top_p": 0.1}):
        assert {"prompt": PLACE, **setting} in found
    for setting in ({"temperature": 0}, {"temperature": 1}):
        assert {"prompt": NAMING, **setting} in found
    assert {setting["prompt"] for setting in found} == {NAMING, PLACE}


def test_a_live_client_offers_nothing_in_particular() -> None:
    assert offers(client(answer())) is None


def test_the_nearest_setting_keeps_what_was_changed() -> None:
    settings = [
        {"prompt": "a", "seed": 1, "top_p": 0.5},
        {"prompt": "a", "seed": 2},
        {"prompt": "b", "seed": 1},
    ]
    assert nearest(settings, {"prompt": "b", "seed": 2}, "prompt") == settings[2]
    assert nearest(settings, {"prompt": "b", "seed": "2"}, "seed") == settings[1]
    assert nearest(settings, {"prompt": "a", "seed": 2, "top_p": 0.5}, "top_p") == settings[0]
    with pytest.raises(NoRecordingError, match="Nothing was recorded"):
        nearest([], {"prompt": "a"}, "prompt")


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
def test_no_request_that_holds_more_than_a_setting_is_offered(lesson: Lesson) -> None:
    asked = connect(lesson.id)
    panel = playground(asked, shown=[])
    for setting in offers(asked) or []:
        assert panel.run(setting)
        panel.job.wait(5)
        assert not isinstance(panel.job.error, NoRecordingError), setting


def test_choices_begin_with_leaving_out() -> None:
    settings = [{"seed": 10}, {"seed": 9}, {}, {"seed": 10}]
    assert choices(settings, "seed") == ["", "10", "9"]
    assert choices([], "seed") == [""]


def test_what_followed_is_told() -> None:
    before = {"prompt": "a", "seed": "1", "top_p": "0.5"}
    told = followed(before, {"prompt": "b", "seed": 1, "stop": ["x", "y"]}, "prompt")
    assert told.endswith("these followed: top_p = (left out); stop = x, y")
    assert followed(before, {"prompt": "a", "seed": 1, "top_p": 0.5}, "seed") == ""
    assert followed(before, {"prompt": "a", "seed": 2, "top_p": 0.5}, "seed") == ""


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("temperature", " 0.5 ", 0.5),
        ("temperature", "", None),
        ("seed", "7", 7),
        ("stop", "one, two,", ["one", "two"]),
        ("stop", " ", None),
    ],
)
def test_a_parameter_is_read_from_its_box(name: str, text: str, value: Any) -> None:
    assert PARAMETERS[name](text) == value


def test_what_is_no_number_is_refused_in_words() -> None:
    with pytest.raises(BadParameterError, match="'warm' is not a number"):
        PARAMETERS["temperature"]("warm")
    with pytest.raises(BadParameterError, match=r"'1\.5' is not a whole number"):
        PARAMETERS["seed"]("1.5")


def test_the_twin_holds_the_last_two_answers_and_asks_nothing() -> None:
    asked = client(answer())
    answers = [asked.complete(ASK, temperature=0), asked.complete(ASK, stop=["x", "y"])]
    static_view = playground(asked, shown=[*answers, *answers])._repr_mimebundle_()
    assert set(static_view) == {"text/html", "text/plain"}
    for words in ("Hello", "temperature=0", "stop=x, y", "Hi!", "the last answer", "stop"):
        assert words in static_view["text/plain"]
        assert words in static_view["text/html"]
    assert len(service_of(asked).requests) == 2


def test_tokens_that_the_service_does_not_tell_are_not_none() -> None:
    said = client(answer(body={"choices": [], "usage": {"prompt_tokens": 3}})).complete(ASK)
    rows = side_by_side([said]).plain.splitlines()
    assert [row.split()[-1] for row in rows if row.startswith("prompt tokens")] == ["3"]
    assert next(row for row in rows if row.startswith("completion tokens")).endswith("(not told)")


def test_what_a_model_says_is_text() -> None:
    choices = [{"message": {"content": "<b>x</b><img src=x><script>1</script>"}}]
    said = client(answer(body={"choices": choices})).complete(ASK)
    html = side_by_side([said, said]).html
    assert "&lt;script&gt;" in html
    assert not any(tag in html for tag in ("<b>", "<img", "<script"))


def test_a_run_streams_and_the_answer_takes_the_last_place() -> None:
    asked, panel = live()
    assert panel.run({"prompt": "Well?", "temperature": 0.5})
    assert panel.job.wait(5).value.text == "Hi there"
    assert service_of(asked).body["temperature"] == 0.5
    assert [setting_of(one) for one in panel.answers] == [{"prompt": "Well?", "temperature": 0.5}]
    assert "Hi there" in repr(panel)


def test_the_boxes_are_read_when_run_is_pressed() -> None:
    asked, panel = live()
    assert panel.root
    panel._controls["prompt"].value = "Well?"
    panel._controls["seed"].value = "7"
    panel._row.run.click()
    panel.job.wait(5)
    body = service_of(asked).body
    assert (body["messages"], body["seed"]) == ([{"role": "user", "content": "Well?"}], 7)
    assert "temperature" not in body
    assert "Hi there" in panel._both.value


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [("prompt", " ", "no prompt"), ("top_p", "x", "not a number"), ("top_p", "7", "from 0 to 1")],
)
def test_what_is_wrong_in_a_box_is_said_in_the_panel(name: str, text: str, told: str) -> None:
    asked, panel = live()
    assert panel.root
    panel._controls["prompt"].value = "Well?"
    panel._controls[name].value = text
    panel._row.run.click()
    panel.job.wait(5)
    assert told in panel.status.value
    assert "alert" in panel.status.value
    assert service_of(asked).requests == []


def test_the_controls_of_a_replay_follow_each_other(replayed: ChatCompletionsClient) -> None:
    panel = playground(replayed, shown=[])
    assert panel.root
    controls = panel._controls
    assert panel._followed.value == ""
    controls["top_p"].value = "0.1"
    assert (controls["prompt"].value, controls["top_p"].value) == (PLACE, "0.1")
    assert "top_p" not in panel._followed.value
    controls["temperature"].value = "0"
    words = {name: made.value for name, made in controls.items() if made.value}
    assert words == {"prompt": NAMING, "temperature": "0"}
    assert f"prompt = {NAMING}; top_p = (left out)" in panel._followed.value
    assert 'role="status"' in panel._followed.value
    controls["temperature"].value = "1"
    assert panel._followed.value == ""
    panel._row.run.click()
    panel.job.wait(5)
    assert "The Babbling Cup" in panel._both.value


def test_every_choice_of_a_replay_can_be_run(replayed: ChatCompletionsClient) -> None:
    panel = playground(replayed, shown=[])
    for setting in offers(replayed) or []:
        assert panel.run(setting)
        assert panel.job.wait(5).state == "finished"
    assert [setting_of(one).get("top_p") for one in panel.answers] == [1, 0.1]


def test_the_controls_of_a_replay_hold_a_recorded_setting_whatever_is_turned(
    replayed: ChatCompletionsClient,
) -> None:
    panel = playground(replayed, shown=[])
    assert panel.root
    recorded = [{name: str(value) for name, value in one.items()} for one in panel.offers or []]
    for made in panel._controls.values():
        for _, value in made.options:
            made.value = value
            held = {name: one.value for name, one in panel._controls.items() if one.value}
            assert held in recorded


def test_a_control_that_is_turned_while_others_follow_is_heard_too(
    replayed: ChatCompletionsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = playground(replayed, shown=[])
    assert panel.root
    top_p = panel._controls["top_p"]
    others: list[threading.Thread] = []

    def meanwhile(*_: object) -> str:
        if not others:
            others.append(threading.Thread(target=lambda: top_p.set_trait("value", "0.1")))
            others[0].start()
            others[0].join(0.2)  # it can't end before this does
        return ""

    monkeypatch.setattr("helpers.widgets.playground.followed", meanwhile)
    panel._controls["temperature"].value = "1"
    others[0].join(5)
    held = {name: one.value for name, one in panel._controls.items() if one.value}
    assert held == {"prompt": PLACE, "top_p": "0.1"}


def test_where_nothing_was_recorded_the_panel_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "watched.ipynb")
    panel = playground(connect("01-basic-call"), shown=[])
    assert widgets.WIDGET_VIEW in panel._repr_mimebundle_()
    panel._row.run.click()
    assert panel.job.wait(5).state == "failed"
    assert "Nothing was recorded" in panel.status.value
