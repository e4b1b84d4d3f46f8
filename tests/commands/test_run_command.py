"""``python -m helpers run``: what it runs, what it says, and how it ends."""

import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest

import helpers
from helpers import __main__ as command
from helpers import lessons
from helpers.client.errors import ConfigurationError
from helpers.commands import notebooks, run
from helpers.lessons import Lesson
from tests.commands.test_run import write
from tests.notebooks import files

FACTS = {"minutes": 1, "mirrors": "", "summary": ""}
MADE = (Lesson("00-sound", "Sound", **FACTS), Lesson("01-broken", "Broken", **FACTS))
SAYS = """\
import os
is_kept = get_ipython().history_manager.enabled
print(os.environ.get("TUTORIAL_ROUTE"), os.environ.get("JPY_SESSION_NAME"), is_kept)"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two lessons of our own, and a working directory that is far from them."""
    made = tmp_path / "a project" / "notebooks"
    made.mkdir(parents=True)
    write(made / "00-sound.ipynb", SAYS)
    write(made / "01-broken.ipynb", "1 / 0")
    monkeypatch.setattr(lessons, "ROOT", made.parent)
    monkeypatch.setattr(lessons, "LESSONS", MADE)
    monkeypatch.setattr(run, "process_pool", lambda *_: ThreadPoolExecutor(1))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "elsewhere"


def said(path: Path) -> str:
    return str(files.read(path).cells[-1].outputs[0].text)


def test_one_that_fails_is_named_in_table_and_reports_and_the_others_run(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lessons, "LESSONS", MADE[::-1])
    write(MADE[1].notebook, 'raise ValueError("<\\x1b>")')
    reports = ["--json", "out/out.json", "--junit", "out/out.xml"]
    assert command.main(["run", "--to", "out", *reports]) == 1
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["lesson", "result", "seconds"]
    assert [line[:2] for line in lines[2:4]] == [["01-broken", "failed"], ["00-sound", "ok"]]
    assert "01-broken: ValueError: <\x1b>\n  In [1]: raise ValueError(" in out
    assert f"The executed notebooks are in {folder / 'out'}" in out
    assert said(folder / "out" / "00-sound.ipynb") == " None False\n"

    rows = json.loads((folder / "out" / "out.json").read_text(encoding="utf-8"))
    assert [[row["lesson"], row["result"]] for row in rows] == [line[:2] for line in lines[2:4]]
    suite = ElementTree.parse(folder / "out" / "out.xml").getroot()[0]
    assert suite.attrib == {"name": "lessons", "tests": "2", "failures": "1", "skipped": "0"}
    assert [len(case) for case in suite] == [1, 0]
    assert suite[0].attrib["name"] == "01-broken"
    assert suite[0][0].attrib["message"] == "ValueError: <?>"
    assert "In [1]: raise ValueError" in str(suite[0][0].text)


def test_what_is_set_for_a_run_is_set_for_the_run_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "a terminal in JupyterLab, at which someone watches")
    before = dict(os.environ)
    assert command.main(["run", "00-sound", "--route", "v1"]) == 0
    assert said(folder / "executed" / "00-sound.ipynb") == "v1 None False\n"
    assert dict(os.environ) == before


NAMES = ("1", "001", "01-broken", "01-broken.ipynb", "C:\\notebooks\\01-broken.ipynb")


def test_lessons_come_in_their_order_and_once_by_many_names() -> None:
    assert lessons.select_lessons(["01", "00-sound", "01-broken"]) == list(MADE)
    assert lessons.select_lessons([]) == list(MADE)
    for name in (*NAMES, os.path.relpath(MADE[1].notebook)):
        assert lessons.select_lessons([name]) == [MADE[1]], name


@pytest.mark.parametrize(
    "name", ["2", "-1", "", "00-sound.py", "²", "a copy", "executed\\00-sound.ipynb"]
)
def test_other_names_and_other_files_are_no_lessons(name: str, folder: Path) -> None:
    (folder / "executed").mkdir()
    other = str(shutil.copy(MADE[0].notebook, folder / "executed"))
    name = other if name == "a copy" else name
    with pytest.raises(
        ConfigurationError, match=rf"There is no lesson\s+{re.escape(repr(name))}\."
    ):
        lessons.select_lessons([name])


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that is refused before the first lesson; return what it says."""
    with pytest.raises(SystemExit) as ended:
        command.main(["run", *arguments])
    assert ended.value.code == 2
    out, told = capsys.readouterr()
    assert out == ""
    return told.partition("error: ")[2]


def test_a_folder_that_cannot_be_one_is_told_before_the_first_lesson(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "file").write_text("x", encoding="utf-8")
    start = "The notebooks can't be written to"
    assert refused(capsys, "--to", "file").startswith(f"{start} file: ")
    assert refused(capsys, "--to", "file/below").startswith(f"{start} {Path('file/below')}: ")
    lessons_folder = str(MADE[0].notebook.parent)
    assert ": the lessons are there.\n" in refused(capsys, "--to", lessons_folder)
    assert (folder / "file").read_text(encoding="utf-8") == "x"

    def denied(**_: object) -> None:
        raise PermissionError(13, "Permission denied", "out/tmp1")

    monkeypatch.setattr("tempfile.TemporaryFile", denied)
    assert refused(capsys, "--to", "out").startswith(f"{start} out: Permission denied.\n")


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("play", "TUTORIAL_MODE is 'play'.\nWhat to do: "),
        ("record", "TUTORIAL_MODE is record, and `run` does not record.\nWhat to do: use `pyth"),
    ],
)
def test_a_mode_that_cannot_be_run_is_told(
    mode: str, told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUTORIAL_MODE", mode)
    assert refused(capsys).startswith(told)


def test_where_the_notebooks_are_is_said_only_if_one_was_written(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command.main(["run", "1", "--to", "out"]) == 1  # a cell fails: written as far as it came
    assert f"The executed notebooks are in {folder / 'out'}" in capsys.readouterr().out

    def fails(*_: object) -> None:
        raise OSError("no kernel")

    monkeypatch.setattr(run, "execute", fails)
    assert command.main(["run", "--to", "out"]) == 1
    out = capsys.readouterr().out
    assert "00-sound: OSError: no kernel\n01-broken: OSError: no kernel\n" in out
    assert "executed notebooks" not in out
    assert not list((folder / "out").iterdir()), "the notebook of the earlier run"


@pytest.mark.parametrize(
    ("mode", "arguments", "limit"),
    [("replay", [], 60), ("live", [], 600), ("live", ["--cell-timeout", "5"], 5)],
)
def test_the_time_limit_of_a_cell_suits_the_mode(
    mode: str, arguments: list[str], limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = []

    def execute(*_: object, execution_timeout: int, **options: object) -> None:
        limits.append(execution_timeout)

    monkeypatch.setattr("papermill.execute_notebook", execute)
    monkeypatch.setenv("TUTORIAL_MODE", mode)
    assert command.main(["run", "00", *arguments]) == 0
    assert limits == [limit]


PARAMETERS = """\
question: {question}
times: 2
"""


def with_parameters(lesson: Lesson) -> None:
    write(lesson.notebook, 'question = "?"\ntimes: int = 1', "print(question, times)")
    nb = files.read(lesson.notebook)
    nb.cells[0].metadata["tags"] = ["parameters"]
    files.write(lesson.notebook, nb)


def test_parameters_come_from_a_file_and_the_command_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_parameters(MADE[0])
    (folder / "given.yaml").write_text(PARAMETERS.format(question="Why?"), encoding="utf-8")
    assert command.main(["run", "0", "--parameters", "given.yaml"]) == 0
    assert said(folder / "executed" / "00-sound.ipynb") == "Why? 2\n"
    assert command.main(["run", "--parameters", "given.yaml", "-p", "times", "3"]) == 1
    assert said(folder / "executed" / "00-sound.ipynb") == "Why? 3\n"
    broken = files.read(folder / "executed" / "01-broken.ipynb")
    assert "question" not in str(broken.cells), "a lesson gets the parameters that it has"


SECRET = "a-key-that-nobody-may-store"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("question", SECRET, "The parameter question may be a key"),
        ("question", f"['say {SECRET}']", "The parameter question may be a key"),
        *((name, "x", f"The parameter {name} may be a key") for name in (
            *("key", "api_key", "apikey", "apiKey", "credential", "AZURE_INFERENCE_CREDENTIAL"),
            *("access_token", "password", "client_secret"),
        )),
        ("max_tokens", "5", "No chosen lesson has a parameter max_tokens."),
    ],
)  # fmt: skip
def test_a_parameter_that_may_be_a_key_is_refused_before_it_is_stored(
    name: str,
    value: str,
    told: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_parameters(MADE[0])
    monkeypatch.setenv("AZURE_INFERENCE_CREDENTIAL", SECRET)
    message = refused(capsys, "00", "-p", name, value)
    assert message.startswith(told)
    assert SECRET not in message
    assert not list((folder / "executed").iterdir())


def test_a_cell_that_takes_too_long_is_named(folder: Path) -> None:
    write(MADE[1].notebook, "import time; time.sleep(60)")
    result = run.run_task(run.Task(MADE[1].notebook, folder, cell_timeout=1))
    assert result.error.startswith("CellTimeoutError: ")
    assert result.error.endswith("  In [1]: import time; time.sleep(60)")


def test_papermill_itself_fails_loudly(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "papermill", str(MADE[1].notebook), "out.ipynb"],
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 1
    assert 'Exception encountered at "In [1]"' in done.stderr
    assert "ZeroDivisionError" in str(files.read(folder / "out.ipynb").cells)


def test_with_a_safe_path_a_folder_may_have_helpers_of_its_own(folder: Path) -> None:
    (folder / "helpers.py").write_text("raise RuntimeError", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "helpers", "run", "99"],
        env=os.environ | {"PYTHONSAFEPATH": "1"},
        capture_output=True,
        encoding="utf-8",
    )
    assert "There is no lesson '99'" in done.stderr
    assert done.returncode == 2


def test_with_a_safe_path_papermill_finds_the_helpers_of_the_lessons(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "helpers.py").write_text("", encoding="utf-8")
    write(folder / "in.ipynb", "import helpers; print(helpers.__file__)")
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    text, _ = notebooks.execute(folder / "in.ipynb")
    shown = nbformat.reads(text, 4).cells[0].outputs[0].text
    assert Path(shown.strip()).samefile(helpers.__file__)


def test_lessons_run_on_the_executor_that_is_given(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(run, "process_pool")
    with ThreadPoolExecutor(1) as here:
        results = run.run_lessons(MADE[:1], folder / "new", executor=here)
    assert [(one.lesson, one.result) for one in results] == [("00-sound", "ok")]
