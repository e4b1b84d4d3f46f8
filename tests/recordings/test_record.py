"""The recordings are what the stand-in endpoint says today, and recording makes the notebook."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from helpers.client.routes import ROUTES
from helpers.lessons import LESSONS, ROOT
from tests.notebooks import files

LESSON = LESSONS[0]


def timeless(path: Path) -> Any:
    """A recording without dates and times, and with each stream in one piece."""
    tape = json.loads(path.read_text(encoding="utf-8"))
    del tape["provenance"]["recorded"]
    for exchange in tape["exchanges"]:
        response = exchange["response"]
        del response["ms"]
        if "stream" in response:
            response["stream"] = "".join(text for _, text in response["stream"])
    return tape


def test_recording_again_changes_nothing_but_times(copy: Path) -> None:
    committed = [LESSON.cassette(route) for route in ROUTES]
    if any('"answered_by": "live"' in path.read_text(encoding="utf-8") for path in committed):
        pytest.skip("the lesson shows answers of a live deployment")
    for path in committed:
        (copy / path.relative_to(ROOT)).unlink()
    notebook = copy / LESSON.notebook.relative_to(ROOT)
    nb = files.read(notebook)
    nb.metadata.pop("tutorial")
    nb.cells[-1].metadata["papermill"] = {"duration": 1.5}
    files.write(notebook, nb)
    done = subprocess.run(
        [sys.executable, "-m", "tests.record", LESSON.id],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy)},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    for path in committed:
        again = copy / path.relative_to(ROOT)
        assert timeless(again) == timeless(path)
        assert "127.0.0.1" not in again.read_text(encoding="utf-8")
    nb = files.read(notebook)
    tape = json.loads((copy / committed[0].relative_to(ROOT)).read_text(encoding="utf-8"))
    told = {"lesson": LESSON.id, "provenance": tape["provenance"]}
    assert nb.metadata.tutorial == told
    files.normalise(nb)
    assert files.text_of(nb) == notebook.read_bytes().decode("utf-8")
