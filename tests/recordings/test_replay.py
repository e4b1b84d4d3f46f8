"""How a recorded answer is found, and what is told if there is none."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from helpers import NoRecordingError
from helpers.lessons import ROOT
from helpers.recordings.replay import ReplayTransport
from tests.fakes import ASK, client
from tests.recordings import calls
from tests.sync_and_async import both, once

pytestmark = both


def record(path: Path, *requests: dict[str, Any], text: str = "Hi!") -> Any:
    ask = [{"messages": ASK, **request} for request in requests]
    calls.record(path, lambda asked: [asked.complete(**call) for call in ask], calls.says(text))
    return calls.recording_in(path)


def replay(path: Path, **call: Any) -> str:
    call = {"messages": ASK, **call}
    return str(calls.replay(path, lambda asked: asked.complete(**call).content))


FOUND: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    # recorded, asked, found
    "the same": ({"seed": 1}, {"seed": 1}, True),
    "other order": ({"seed": 1, "stop": "a"}, {"stop": "a", "seed": 1}, True),
    "other order within": ({"x": {"a": 1, "b": 2}}, {"x": {"b": 2, "a": 1}}, True),
    "none is left out": ({"seed": 1}, {"seed": 1, "stop": None}, True),
    "one more": ({}, {"seed": 1}, False),
    "other order of a list": ({"stop": ["a", "b"]}, {"stop": ["b", "a"]}, False),
    "other words": ({}, {"messages": [{"role": "user", "content": "Bye"}]}, False),
    "other header": ({"x": 1}, {"x": 1, "extra_parameters": "drop"}, False),
    "same header": ({"x": 1}, {"x": 1, "extra_parameters": "pass-through"}, True),
}


@pytest.mark.parametrize(("recorded", "asked", "found"), FOUND.values(), ids=FOUND)
def test_a_request_is_found_by_what_it_asks(
    path: Path, recorded: Any, asked: Any, found: bool
) -> None:
    record(path, recorded)
    player = ReplayTransport(path)
    sent = client(transport=player).build_request(**{"messages": ASK, **asked})
    assert player.can_answer(sent) is found
    assert len(player.unplayed()) == 1  # telling whether it can plays nothing
    if found:
        assert replay(path, **asked) == "Hi!"
    else:
        with pytest.raises(NoRecordingError):
            replay(path, **asked)


def test_the_recorded_requests_are_listed_once_and_in_order(path: Path) -> None:
    record(path, {"seed": 2}, {"x": 1}, {"seed": 2}, {})
    player = ReplayTransport(path)
    first, second, third = player.requests
    assert (first["method"], first["path"], first["headers"]) == ("POST", "/chat/completions", {})
    assert (first["body"]["messages"], first["body"]["seed"]) == (ASK, 2)
    assert (second["body"]["x"], second["headers"]) == (1, {"extra-parameters": "pass-through"})
    assert third["body"].keys() == {"messages", "model"}
    player.requests.clear()
    assert len(player.requests) == 3
    assert len(player.unplayed()) == 3, "listing them plays none"


def picture(seed: int) -> list[dict[str, Any]]:
    data = base64.b64encode(bytes(range(seed, seed + 200))).decode()
    url = {"url": f"data:image/png;base64,{data}"}
    return [{"role": "user", "content": [{"type": "image_url", "image_url": url}]}]


def test_a_picture_is_kept_as_its_checksum_and_found_by_it(path: Path) -> None:
    sent = picture(0)[0]["content"][0]["image_url"]["url"]
    text = json.dumps(record(path, {"messages": picture(0)}, text=f"Not valid: '{sent}'"))
    assert text.count("data:image/png;base64,(268 characters, SHA-256 ") == 2
    assert sent[30:60] not in text and sent[-60:-30] not in text
    assert replay(path, messages=picture(0)).startswith("Not valid: ")
    with pytest.raises(NoRecordingError):
        replay(path, messages=picture(1))


def test_a_miss_names_the_lesson_the_nearest_recording_and_three_differences(path: Path) -> None:
    far = [{"role": "user", "content": "Something else altogether, and much longer than that"}]
    kept = record(path, {"messages": far, "stop": "z"}, {"temperature": 0.5, "seed": 1})
    with pytest.raises(NoRecordingError) as failure:
        replay(path, temperature=0.9, top_p=1, seed=1, stop="x" * 5000, max_tokens=2)
    head, near, *differences, advice = str(failure.value).splitlines()
    assert head == (
        "Lesson 01-basic-call (route models) has answers to 2 recorded questions; yours is not "
        "among them."
    )
    assert near == "The nearest one differs in:"
    assert differences[:2] == [
        "  temperature: recorded 0.5, now 0.9",
        "  top_p: recorded nothing, now 1",
    ]
    assert differences[2].startswith('  stop: recorded nothing, now "xxx') and len(differences) == 3
    assert len(differences[2]) < 300
    assert "AZURE_INFERENCE_ENDPOINT" in advice
    path.write_text(json.dumps({**kept, "exchanges": []}), encoding="utf-8")
    with pytest.raises(NoRecordingError, match="01-basic-call"):
        replay(path)


CELLS = """\
from helpers import UserMessage
from helpers.connect import connect
client = connect("01-basic-call")

client.complete([UserMessage("Bye")])

def ask():
    try:
        1 / 0
    except ZeroDivisionError:
        client.complete([UserMessage("Bye")])
ask()"""


@once
def test_a_cell_shows_the_words_of_a_miss_and_no_frames() -> None:
    nb = new_notebook(cells=[new_code_cell(cell) for cell in CELLS.split("\n\n")])
    NotebookClient(nb, allow_errors=True, resources={"metadata": {"path": ROOT}}).execute()
    for cell in nb.cells[1:]:
        (shown,) = cell.outputs
        first, *rest = shown.traceback
        assert first.startswith("NoRecordingError: Lesson 01-basic-call (route v1) has answers to")
        assert rest[0] == "The nearest one differs in:"
        assert shown.evalue.split("\n")[1:] == rest
        assert not any("File " in line or "Traceback" in line for line in rest)


def test_what_was_not_played_is_listed(path: Path) -> None:
    record(path, {}, {}, {"seed": 1})
    player = ReplayTransport(path)
    asked = client(transport=player)
    assert len(player.unplayed()) == 2
    asked.complete(ASK)
    asked.complete(ASK, seed=1)
    (left,) = player.unplayed()
    assert "seed" not in left
    asked.complete(ASK)
    assert player.unplayed() == []


def test_a_paced_stream_takes_two_seconds_at_most(path: Path, slept: list[float]) -> None:
    path.parent.mkdir(parents=True)
    record(path, {})
    kept = json.loads(path.read_text(encoding="utf-8"))
    kept["exchanges"][0]["request"]["body"]["stream"] = True
    chunk = 'data: {"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}\n\n'
    chunks = [[at, chunk] for at in (1000, 5000, 10000)]
    kept["exchanges"][0]["response"] |= {
        "stream": chunks, "ms": 0, "headers": {"content-type": "text/event-stream"},
    }  # fmt: skip
    path.write_text(json.dumps(kept), encoding="utf-8")
    for pace, waits in (True, [0.2, 0.8, 1.0]), (False, []):
        slept.clear()
        with client(transport=ReplayTransport(path, pace=pace)).stream(ASK) as stream:
            assert [update.elapsed for update in stream] == [1.0, 5.0, 10.0]
        assert slept == pytest.approx(waits)
