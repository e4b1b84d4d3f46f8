"""``python -m helpers run``: what it runs, what it says, and how it ends."""

import os
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from helpers import __main__ as command
from helpers import lessons
from helpers.commands import run as runner
from helpers.lessons import Lesson
from tests.notebooks import files

FACTS = {"minutes": 1, "mirrors": "", "summary": "", "needs": ""}
MADE = (Lesson("00-sound", "Sound", **FACTS), Lesson("01-broken", "Broken", **FACTS))
SAYS = 'import os; print(os.environ.get("TUTORIAL_ROUTE"), os.environ.get("JPY_SESSION_NAME"))'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two lessons of our own, and a working directory that is far from them."""
    made = tmp_path / "a project" / "notebooks"
    made.mkdir(parents=True)
    for lesson, source in zip(MADE, [SAYS, "1 / 0"], strict=True):
        nb = new_notebook(cells=[new_code_cell(source)])
        files.normalise(nb)
        files.write(made / f"{lesson.id}.ipynb", nb)
    monkeypatch.setattr(lessons, "ROOT", made.parent)
    monkeypatch.setattr(runner, "LESSONS", MADE)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "elsewhere"


def said(path: Path) -> str:
    return str(files.read(path).cells[-1].outputs[0].text)


def test_a_lesson_that_works(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["run", "00"]) == 0
    assert said(folder / "executed" / "00-sound.ipynb") == " None\n"
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["lesson", "result", "seconds"]
    assert lines[2].split()[:2] == ["00-sound", "ok"]


def test_one_that_fails_is_named_and_the_others_run(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LESSONS", MADE[::-1])
    assert command.main(["run", "--to", "out"]) == 1
    out = capsys.readouterr().out
    assert "01-broken: ZeroDivisionError: division by zero" in out
    assert [line.split()[1] for line in out.splitlines()[2:4]] == ["failed", "ok"]
    assert said(folder / "out" / "00-sound.ipynb")


def test_the_route_is_set_for_the_run_only(folder: Path) -> None:
    before = dict(os.environ)
    assert command.main(["run", "00-sound", "--route", "v1"]) == 0
    assert said(folder / "executed" / "00-sound.ipynb") == "v1 None\n"
    assert dict(os.environ) == before


def test_an_unknown_lesson_is_one_clear_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["run", "00", "99-nothing"])
    assert ended.value.code == 2
    assert "There is no lesson '99-nothing'. The lessons are: 00-sound" in capsys.readouterr().err


def test_no_kernel_believes_that_someone_watches(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "from a terminal in JupyterLab")
    runner.execute(MADE[0].notebook, folder / "out.ipynb")
    assert said(folder / "out.ipynb") == " None\n"
    assert os.environ["JPY_SESSION_NAME"] == "from a terminal in JupyterLab"


def test_lessons_come_in_their_order_and_once() -> None:
    assert runner.select_lessons(["01", "00-sound", "01-broken"]) == list(MADE)
    assert runner.select_lessons([]) == list(MADE)
