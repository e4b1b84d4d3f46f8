"""The notebook tests can fail: each fault below is planted in a copy of the project, and found.

A suite that compares outputs is worth something only if a wrong output fails it. So the copy's own
pytest is run on one of its notebooks: once as it is, then with one small thing broken.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.notebooks import files

BASIC, STREAMING, MOVING = "01-basic-call", "02-streaming", "09-moving-to-v1"
LOSSY_STREAM = """

_whole = CompletionStream.__iter__


def _lossy(self):
    updates = _whole(self)
    next(updates)
    yield from updates


CompletionStream.__iter__ = _lossy
"""
WRONG_SUM = """

CompletionsUsage.total_tokens = property(lambda self: self.prompt_tokens)
"""
OTHER_WORDS = """

AuthenticationError.advice = "look around."
"""


def nbval(copy: Path, lesson: str) -> subprocess.CompletedProcess[str]:
    """Run the copy's pytest on one of its notebooks; the kernel imports the copy's helpers."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        f"notebooks/{lesson}.ipynb",
    ]
    return subprocess.run(
        command,
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy)},
        capture_output=True,
        encoding="utf-8",
    )


def append(module: str, code: str) -> Callable[[Path], None]:
    """Break a module of the copy."""

    def plant(copy: Path) -> None:
        with (copy / "helpers" / f"{module}.py").open("a", encoding="utf-8") as file:
            file.write(code)

    return plant


def one_character(copy: Path) -> None:
    """One letter of a recorded answer is another one."""
    path = copy / "tests" / "cassettes" / "v1" / f"{BASIC}.json"
    tape = json.loads(path.read_text(encoding="utf-8"))
    message = tape["exchanges"][0]["response"]["body"]["choices"][0]["message"]
    message["content"] = ("Y" if message["content"][0] == "X" else "X") + message["content"][1:]
    path.write_text(json.dumps(tape), encoding="utf-8")


def a_renamed_field(copy: Path) -> None:
    """The other route, which the lesson shows beside its own, counts the tokens elsewhere."""
    path = copy / "tests" / "cassettes" / "models" / f"{MOVING}.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('prompt_tokens"', 'tokens_sent"'), encoding="utf-8")


def another_arrival(copy: Path) -> None:
    """The first chunk of a recorded stream came later."""
    path = copy / "tests" / "cassettes" / "v1" / f"{STREAMING}.json"
    tape = json.loads(path.read_text(encoding="utf-8"))
    stream = next(e["response"]["stream"] for e in tape["exchanges"] if "stream" in e["response"])
    for chunk in stream:
        chunk[0] += 5000
    path.write_text(json.dumps(tape), encoding="utf-8")


def another_question(copy: Path) -> None:
    """A lesson asks what was not recorded."""
    path = copy / "notebooks" / f"{BASIC}.ipynb"
    nb = files.read(path)
    cell = next(c for c in nb.cells if "parameters" in c.metadata.get("tags", []))
    cell.source = cell.source.replace("?", "??")
    files.write(path, nb)


def a_missing_output(copy: Path) -> None:
    """A committed output was lost."""
    path = copy / "notebooks" / f"{BASIC}.ipynb"
    nb = files.read(path)
    next(cell for cell in reversed(nb.cells) if cell.get("outputs")).outputs = []
    files.write(path, nb)


@pytest.mark.parametrize("lesson", [BASIC, STREAMING])
def test_the_copy_passes_as_it_is(copy: Path, lesson: str) -> None:
    done = nbval(copy, lesson)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


@pytest.mark.parametrize(
    ("lesson", "plant"),
    [
        pytest.param(
            STREAMING, append("client/streaming", LOSSY_STREAM), id="the first update is lost"
        ),
        pytest.param(STREAMING, another_arrival, id="arrival times differ"),
        pytest.param(BASIC, append("client/responses", WRONG_SUM), id="a wrong sum of tokens"),
        pytest.param(BASIC, append("client/errors", OTHER_WORDS), id="an error with other advice"),
        pytest.param(BASIC, one_character, id="one character of a recording"),
        pytest.param(MOVING, a_renamed_field, id="a field of a recording has another name"),
        pytest.param(BASIC, another_question, id="a request that was not recorded"),
        pytest.param(BASIC, a_missing_output, id="an output that is missing"),
    ],
)
def test_a_fault_is_found(copy: Path, lesson: str, plant: Callable[[Path], None]) -> None:
    plant(copy)
    done = nbval(copy, lesson)
    assert done.returncode == 1, done.stdout + done.stderr  # 1: tests ran, and some failed
    assert "Cell outputs differ" in done.stdout or "Cell execution caused" in done.stdout
