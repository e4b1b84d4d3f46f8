"""``python -m helpers record``: what it shows, what it replaces, and what brings it back."""

import copy as copies
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from helpers import lessons
from helpers.__main__ import main
from helpers.commands import record as recording
from helpers.lessons import LESSONS, Lesson
from helpers.recordings.cassette import load
from tests.recordings.test_cassette import Killed, killed_at
from tests.standin import StandIn

LESSON, OTHER, TOOLS, MOVING = LESSONS[1], LESSONS[2], LESSONS[6], LESSONS[9]
KEY = "the-key-of-the-endpoint"
Recording = dict[str, Any]
Change = Callable[[Recording], object]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Some lessons in a folder without git, and an endpoint that is never asked."""
    project = tmp_path / "project"
    shipped = [
        path for one in (LESSON, OTHER, TOOLS, MOVING)
        for path in (one.notebook, one.cassette("v1"), one.cassette("models"))
    ]  # fmt: skip
    for path in shipped:
        target = project / path.relative_to(lessons.ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    monkeypatch.setattr(lessons, "ROOT", project)
    monkeypatch.setenv("AZURE_INFERENCE_ENDPOINT", "https://west.openai.azure.com/openai/v1")
    monkeypatch.setenv("AZURE_INFERENCE_CREDENTIAL", KEY)
    monkeypatch.setenv("TUTORIAL_MODE", "")
    monkeypatch.setattr(recording, "replay", lambda *_: '{"cells": []}\n')
    return project


def files_in(folder: Path) -> dict[Path, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {path: path.read_bytes() for path in paths}


def play(monkeypatch: pytest.MonkeyPatch, *changes: Change) -> None:
    """Let a recording give what stands in the committed one, with ``changes``.

    Its ids, times, padding, and what came from a cache, differ as they do in every answer.
    """

    def record_into(lesson: Lesson, folder: Path) -> None:
        recorded = json.loads(lesson.cassette("v1").read_text(encoding="utf-8"))
        recorded["provenance"]["recorded"] = "2027-01-01"
        for exchange in recorded["exchanges"]:
            response = exchange["response"]
            response["ms"] += 1
            if "body" in response:
                times = {"prompt_ms": response["ms"], "cache_n": response["ms"]}  # llama.cpp's
                response["body"] |= {"id": "another", "timings": times}
                for name, value in response["body"].get("usage", {}).items():
                    if name == "latency_checkpoint":
                        value["engine_ttft_ms"] += 1
                    elif name == "prompt_tokens_details":
                        value["cached_tokens"] += 1024
            for piece in response.get("stream", ()):
                piece[1] = piece[1].replace('"obfuscation":"', '"obfuscation":"x')
        for change in changes if lesson == LESSON else ():
            change(recorded)
        (folder / "v1").mkdir(parents=True)
        path = folder / "v1" / lesson.cassette("v1").name
        path.write_text(json.dumps(recorded), encoding="utf-8")

    monkeypatch.setattr(recording, "record_into", record_into)


def first(recorded: Recording) -> Any:
    return next(
        one for one in recorded["exchanges"] if "choices" in one["response"].get("body", "")
    )


def says(text: str) -> Change:
    """Change what the first answer says."""

    def change(recorded: Recording) -> None:
        first(recorded)["response"]["body"]["choices"][0]["message"]["content"] = text

    return change


def says_otherwise_in_the_middle(recorded: Recording) -> None:
    message = first(recorded)["response"]["body"]["choices"][0]["message"]
    message["content"] = message["content"].replace("dialect", "tongue")


TOO_MANY = {"status": 429, "body": {"error": {"message": "Too many."}}}
RUN = ["record", LESSON.id, OTHER.id]


def test_what_says_the_same_changes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    play(monkeypatch)
    before = files_in(folder)
    assert main(RUN) == 0
    assert main([*RUN, "--compare"]) == 0
    assert files_in(folder) == before
    assert capsys.readouterr().out.count("the same") == 4


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (says("Other words."), ["text", "Other words."]),
        (says_otherwise_in_the_middle, ["text", "tongue"]),
        (lambda made: first(made)["response"]["headers"].pop("x-answered-by"), ["x-answered-by"]),
        (lambda made: first(made)["response"].update(TOO_MANY), ["text", "Too many."]),
        (lambda made: first(made)["request"]["body"].update(model="mine"), ["body.model", "mine"]),
        (lambda made: made["exchanges"].remove(first(made)), ["text"]),
    ],
)
def test_a_difference_is_shown_and_compare_replaces_nothing(
    change: Change,
    shown: list[str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    play(monkeypatch, change)
    before = files_in(folder)
    assert main([*RUN, "--compare"]) == 3
    assert files_in(folder) == before
    out = capsys.readouterr().out
    rows = [line.split() for line in out.splitlines()]
    assert [LESSON.id, "changed", "1"] in rows
    assert [OTHER.id, "the", "same", "0"] in rows
    for text in shown:
        assert text in out


def test_a_stream_is_compared_by_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = json.loads(OTHER.cassette("v1").read_text(encoding="utf-8"))
    stream = next(
        one for one in recorded["exchanges"] if one["response"].get("ended") == "complete"
    )
    other = copies.deepcopy(stream)
    text = "".join(text for _, text in other["response"]["stream"])
    other["response"]["stream"] = [[at, text[at : at + 7]] for at in range(0, len(text), 7)]
    assert recording.difference(stream, other) is None
    other["response"]["stream"].insert(0, [0, 'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'])
    assert recording.difference(stream, other)
    left, longer = copies.deepcopy(stream), copies.deepcopy(stream)
    left["response"] |= {"ended": "left", "stream": stream["response"]["stream"][:-9]}
    longer["response"]["ended"] = "left"
    assert not recording.difference(left, longer)
    assert not recording.difference(longer, left)
    other["response"]["ended"] = "left"
    assert recording.difference(left, other)


@pytest.mark.parametrize("lesson", [TOOLS, MOVING])
def test_ids_that_later_requests_name_are_no_difference(lesson: Lesson, tmp_path: Path) -> None:
    old, new = lesson.cassette("v1"), tmp_path / "new.json"
    text = old.read_text(encoding="utf-8")
    for one in sorted({*re.findall(r"\b(?:call|resp|msg|fc|rs)_[0-9a-f]{24,}", text)}):
        text = text.replace(one, f"{one.partition('_')[0]}_{uuid4().hex}")
    new.write_text(text, encoding="utf-8")
    assert recording.keep_same(old, new) == []
    assert load(new)["exchanges"] == load(old)["exchanges"]
    changed = json.loads(text)  # the last words that follow a call
    answered = [one for one in changed["exchanges"] if "tool_call_id" in json.dumps(one["request"])]
    answered[-1]["response"]["body"]["choices"][0]["message"]["content"] = "Other words."
    new.write_text(json.dumps(changed), encoding="utf-8")
    assert [change.now for change in recording.keep_same(old, new)] == ["Other words."]
    assert [one["request"] for one in load(new)["exchanges"]] == [
        one["request"] for one in load(old)["exchanges"]
    ]


def test_only_what_differs_is_replaced_and_undo_brings_back_what_was_shipped(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_in(folder)
    old = json.loads(LESSON.cassette("v1").read_text(encoding="utf-8"))
    for text in ("Other words.", "And others."):  # undo goes back to the first
        play(monkeypatch, says(text))
        assert main([*RUN, "--yes"]) == 0
    out = capsys.readouterr().out
    assert "Other words." in out
    assert str(first(old)["response"]["body"]["choices"][0]["message"]["content"])[:20] in out
    new = json.loads(LESSON.cassette("v1").read_text(encoding="utf-8"))
    assert new["provenance"]["recorded"] == "2027-01-01"
    other = [
        a["request"]["body"]
        for a, b in zip(new["exchanges"], old["exchanges"], strict=True)
        if a != b
    ]
    assert other == [first(old)["request"]["body"]]
    assert LESSON.notebook.read_text(encoding="utf-8") == '{"cells": []}\n'
    assert OTHER.notebook.read_bytes() == before[OTHER.notebook]
    assert main(["record", "--undo"]) == 0
    assert capsys.readouterr().out == f"{LESSON.id} is as it was shipped.\n"
    assert files_in(folder) == before
    assert main(["record", "--undo"]) == 0
    assert files_in(folder) == before


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1), ("", 1), (None, 1)])
def test_it_asks_before_it_writes(
    answer: str | None,
    code: int,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def ask(question: str) -> str:
        assert "Replace recordings and outputs of 1 lessons? [y/N] " in question
        assert "Other words." in capsys.readouterr().out, "what changes is shown first"
        assert files_in(folder) == before
        if answer is None:
            raise EOFError
        return answer

    play(monkeypatch, says("Other words."))
    before = files_in(folder)
    monkeypatch.setattr("builtins.input", ask)
    assert main(RUN) == code
    assert (files_in(folder) == before) == (code == 1)


LEAKS = {
    "a token": "Bearer eyJhbGciOiJIUzI1NiJ9",
    "a key of another": "sk-" + "a1" * 12,
    "the key": f"You sent {KEY}.",
    "the host": "Ask WEST.openai.azure.com again".lower(),
    "another resource": "https://east.services.ai.azure.com/models",
    "a path": "/home/someone/notes",
}


@pytest.mark.parametrize("text", LEAKS.values(), ids=LEAKS)
@pytest.mark.parametrize("place", ["body", "header", "error", "output"])
def test_where_a_secret_or_a_host_is_found_nothing_is_written(
    text: str,
    place: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def change(recorded: Recording) -> None:
        says("Other words.")(recorded)
        response = first(recorded)["response"]
        if place == "header":
            response["headers"]["x-request-id"] = text
        elif place == "error":
            response |= {"status": 400, "body": {"error": {"message": text}}}
        elif place == "body":
            says(text)(recorded)

    if place == "output":
        if text == LEAKS["another resource"]:
            pytest.skip("a lesson shows replayed.openai.azure.com")
        cells = [{"outputs": [{"text": [text]}]}]
        monkeypatch.setattr(recording, "replay", lambda *_: json.dumps({"cells": cells}))
    play(monkeypatch, change)
    before = files_in(folder)
    assert main([*RUN, "--yes"]) == 1
    assert files_in(folder) == before
    out = capsys.readouterr().out
    assert "RecordingError: Nothing is written, because an answer holds" in out
    assert KEY not in out


@pytest.mark.parametrize("raised", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("place", ["record_into", "replay", "refuse_leaks"])
def test_failure_and_interrupt_leave_everything_as_it_was(
    place: str,
    raised: type[BaseException],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise raised("out of order")

    play(monkeypatch, says("Other words."))
    monkeypatch.setattr(recording, place, fail)
    before = files_in(folder)
    assert main([*RUN, "--yes"]) == (130 if raised is KeyboardInterrupt else 1)
    assert files_in(folder) == before
    told = "Stopped by Ctrl-C." if raised is KeyboardInterrupt else "RuntimeError: out of order"
    assert told in capsys.readouterr().out


def test_killed_at_any_change_of_the_files_it_is_as_before_or_recorded_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [LESSON.notebook, LESSON.cassette("v1"), LESSON.cassette("models")]

    def found() -> list[bytes]:
        load(paths[1])  # as every run of the lesson does
        return [path.read_bytes() for path in paths]

    play(monkeypatch, says("Other words."))
    before = found()
    run, undo = ["record", LESSON.id, "--yes"], ["record", LESSON.id, "--undo"]
    outcomes = []
    for operation in count():
        with monkeypatch.context() as patch, suppress(Killed):
            killed_at(patch, operation)
            main(run)
            main(undo)
            break
        outcomes.append(found())
        assert main(run) == 0
        new = found()
        assert outcomes[-1] in (before, new)
        assert main(undo) == 0
        assert found() == before
    assert new in outcomes


def test_a_lesson_is_recorded_for_real_and_brought_back(
    copy: Path, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in said other words last time; its recordings replace those, and undo is whole."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        endpoint = {
            "AZURE_INFERENCE_ENDPOINT": standin.v1,
            "AZURE_INFERENCE_CREDENTIAL": standin.key,
            "AZURE_INFERENCE_MODEL": "stand-in-chat",
            "TUTORIAL_MODE": "",
        }
        return subprocess.run(
            [sys.executable, "-m", "helpers", "record", "0", *arguments],
            cwd=copy,
            env=os.environ | endpoint | {"PYTHONPATH": str(copy)},
            capture_output=True,
            encoding="utf-8",
        )

    path = copy / "tests" / "cassettes" / "v1" / f"{LESSONS[0].id}.json"
    shipped = path.read_bytes()
    assert run("--compare").returncode == 0
    recorded = json.loads(shipped)
    says("Other words.")(recorded)
    path.write_text(json.dumps(recorded), encoding="utf-8")
    before = files_in(copy)
    done = run("--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    new = json.loads(path.read_bytes())
    assert (
        first(new)["response"]["body"]["choices"]
        == first(json.loads(shipped))["response"]["body"]["choices"]
    )
    assert run("--undo").returncode == 0
    assert files_in(copy) == before
