"""The notebook tests can fail: each fault below is planted in a copy of the project, and found.

A suite that compares outputs is worth something only if a wrong output fails it. So the copy's own
pytest is run on one of its notebooks: once as it is, then with one small thing broken.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import copy_project

BASIC, STREAMING, MOVING = "01-basic-call", "02-streaming", "09-moving-to-v1"
LOSSY_STREAM = """

_whole = CompletionStream.__iter__


def _lossy(self):
    updates = _whole(self)
    next(updates)
    yield from updates


CompletionStream.__iter__ = _lossy
"""
OTHER_WORDS = """

AuthenticationError.advice = "look around."
"""


def nbval(copy: Path, lesson: str) -> subprocess.CompletedProcess[str]:
    """Run the copy's pytest on one of its notebooks; the kernel imports the copy's helpers."""
    options = f"-m pytest -p no:cacheprovider notebooks/{lesson}.ipynb"
    return subprocess.run(
        [sys.executable, *options.split()],
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


@contextmanager
def edited(path: Path) -> Iterator[Any]:
    """Give the JSON of a recording or notebook, and write it back as it is afterwards."""
    content = json.loads(path.read_text(encoding="utf-8"))
    yield content
    path.write_text(json.dumps(content), encoding="utf-8")


def one_character(copy: Path) -> None:
    """One letter of a recorded answer is another one."""
    with edited(copy / f"tests/cassettes/v1/{BASIC}.json") as recording:
        message = recording["exchanges"][0]["response"]["body"]["choices"][0]["message"]
        first = message["content"][0]
        message["content"] = ("Y" if first == "X" else "X") + message["content"][1:]


def a_renamed_field(copy: Path) -> None:
    """The other route, which the lesson shows beside its own, counts the tokens elsewhere."""
    path = copy / "tests" / "cassettes" / "models" / f"{MOVING}.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('prompt_tokens"', 'tokens_sent"'), encoding="utf-8")


def another_arrival(copy: Path) -> None:
    """The chunks of a recorded stream came later."""
    with edited(copy / f"tests/cassettes/v1/{STREAMING}.json") as recording:
        answers = (exchange["response"] for exchange in recording["exchanges"])
        for chunk in next(answer["stream"] for answer in answers if "stream" in answer):
            chunk[0] += 5000


def another_question(copy: Path) -> None:
    """A lesson asks what was not recorded."""
    with edited(copy / f"notebooks/{BASIC}.ipynb") as nb:
        cell = next(c for c in nb["cells"] if "parameters" in c["metadata"].get("tags", []))
        cell["source"] = [line.replace("?", "??") for line in cell["source"]]


def a_missing_output(copy: Path) -> None:
    """A committed output was lost."""
    with edited(copy / f"notebooks/{BASIC}.ipynb") as nb:
        next(cell for cell in reversed(nb["cells"]) if cell.get("outputs"))["outputs"] = []


FAULTS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "the first update is lost": (STREAMING, append("client/streaming", LOSSY_STREAM)),
    "arrival times differ": (STREAMING, another_arrival),
    "an error with other advice": (BASIC, append("client/errors", OTHER_WORDS)),
    "one character of a recording": (BASIC, one_character),
    "a field of a recording has another name": (MOVING, a_renamed_field),
    "a request that was not recorded": (BASIC, another_question),
    "an output that is missing": (BASIC, a_missing_output),
}
NONE = "no fault"
Outcomes = dict[str, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """What the pytest of each copy found; two of them run at once."""

    def run(fault: str) -> subprocess.CompletedProcess[str]:
        lesson, plant = FAULTS.get(fault, (BASIC, lambda _: None))
        copy = folder / fault.replace(" ", "-")
        copy_project(copy)
        plant(copy)
        return nbval(copy, lesson)

    folder = tmp_path_factory.mktemp("copies")
    with ThreadPoolExecutor(2) as pool:
        return dict(zip([NONE, *FAULTS], pool.map(run, [NONE, *FAULTS]), strict=True))


def test_the_copy_passes_as_it_is(outcomes: Outcomes) -> None:
    done = outcomes[NONE]
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault: str, outcomes: Outcomes) -> None:
    done = outcomes[fault]
    assert done.returncode == 1, done.stdout + done.stderr  # 1: tests ran, and some failed
    assert "Cell outputs differ" in done.stdout or "Cell execution caused" in done.stdout
