"""``python -m helpers move``: what it finds in old code, and that other code has nothing."""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from azure.ai import inference
from azure.ai.inference import aio, models
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import helpers
from helpers import __main__ as command
from helpers import images
from helpers.moving import SDK, TABLE
from tests.notebooks import files

CASES = tomllib.loads(Path(__file__).with_name("move_cases.toml").read_text(encoding="utf-8"))


def write_case(folder: Path, name: str, case: dict[str, Any]) -> Path:
    """Write a file of Python, or a notebook that begins with a cell of prose."""
    if "code" in case:
        path = folder / f"{name}.py"
        path.write_text(case["code"], encoding="utf-8")
    else:
        path = folder / f"{name}.ipynb"
        prose = new_markdown_cell(f"from {SDK} import ChatCompletionsClient")
        nb = new_notebook(cells=[prose, *map(new_code_cell, case["cells"])])
        files.normalise(nb)
        files.write(path, nb)
    return path


def found(text: str) -> list[str]:
    """Return what a run printed of uses: place in the file, and name."""
    return [f"{place} {name}" for place, name in re.findall(r"(?m)^\S+?\.\w+:(.*\d+): (.+)$", text)]


@pytest.mark.parametrize("name", CASES["old"])
def test_every_use_in_old_code_is_found(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_case(tmp_path, name, CASES["old"][name])
    before = path.read_bytes()
    assert command.main(["move", str(path)]) == 1
    out, told = capsys.readouterr()
    assert found(out) == CASES["old"][name]["uses"]
    assert told == ""
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", CASES["other"])
def test_nothing_is_found_in_other_code(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_case(tmp_path, name, CASES["other"][name])
    assert command.main(["move", str(path)]) == 0
    assert capsys.readouterr() == (
        "0 uses of azure-ai-inference in 1 file. Nothing was changed.\n",
        "",
    )


def test_a_call_of_an_async_client_is_awaited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_case(tmp_path, "asynchronous", CASES["old"]["asynchronous"])
    command.main(["move", str(path)])
    assert "completion = await client.complete(messages)\n" in capsys.readouterr().out


def test_a_file_that_is_no_python_is_told_and_the_others_are_searched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.py").write_text("def f(:\n", encoding="utf-8")
    (tmp_path / "b.py").write_bytes("text = 'ü'".encode("latin-1"))
    (tmp_path / "c.ipynb").write_text("{}", encoding="utf-8")
    (tmp_path / "d.py").write_text("(" * 5000, encoding="utf-8")
    (tmp_path / "e.py").write_text("a\0b", encoding="utf-8")
    write_case(tmp_path, "f", {"cells": ["1 +", f"import {SDK} as inf"]})
    write_case(tmp_path, "star", CASES["old"]["star_and_own_class"])
    assert command.main(["move", str(tmp_path), "missing.py", "*.none"]) == 2
    out, told = capsys.readouterr()
    assert found(out) == [*CASES["old"]["star_and_own_class"]["uses"], "cell 3:1 import"]
    assert [line for line in told.splitlines() if not line.startswith("What to do: ")][:2] == [
        "There is no missing.py.",
        "There is no *.none.",
    ]
    for name in ("a.py:1", "b.py", "c.ipynb", "d.py:1", "e.py:1", "f.ipynb:cell 2:1"):
        assert f"{name}: this" in told


def test_a_cell_of_another_language_is_not_read(tmp_path: Path) -> None:
    path = write_case(tmp_path, "r", {"cells": ["x <- function(y) y"]})
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"language": "python"', '"language": "R"'), encoding="utf-8")
    assert command.main(["move", str(path)]) == 0


def test_folders_and_patterns_are_searched_each_file_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("", "below", ".hidden", "env/lib/site-packages", "[odd]"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        write_case(tmp_path / folder, "star", CASES["old"]["star_and_own_class"])
        write_case(tmp_path / folder, "notebook", CASES["other"]["notebook"])
    (tmp_path / "README.md").write_text(f"import {SDK}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert command.main(["move", ".", "star.py", "below/../star.py", "*.py", "[odd]"]) == 1
    assert " in 6 files." in capsys.readouterr().out
    assert command.main(["move", "*.py", "b*/**/*.ipynb"]) == 1
    assert " in 2 files." in capsys.readouterr().out


def test_the_table_has_every_public_name() -> None:
    public = [f"{SDK}.{name}" for name in inference.__all__]
    public += [f"{SDK}.aio.{name}" for name in aio.__all__]
    public += [f"{SDK}.models.{name}" for name in models.__all__]
    assert [name for name in public if name not in TABLE] == []


def test_no_row_is_without_a_line_and_a_note() -> None:
    for name, row in TABLE.items():
        assert (row.helpers and row.openai) or row.openai or row.note, name


@pytest.mark.parametrize("name", TABLE)
def test_the_lines_are_python_and_import_what_they_use(name: str) -> None:
    row = TABLE[name]
    for line, needed in ((row.helpers, row.helpers_import), (row.openai, row.openai_import)):
        names: dict[str, Any] = {}
        exec(needed, names)
        if line and not line.startswith("pip "):
            ast.parse(f"try: pass\n{line} pass" if line.startswith("except ") else line)
        for imported in set(names) - {"__builtins__"}:
            assert imported in line


MESSAGES = [name for name in TABLE if name.endswith("Message") and "Chat" not in name]


@pytest.mark.parametrize("name", MESSAGES)
def test_both_lines_make_the_same_message(name: str) -> None:
    made = eval(TABLE[name].helpers, vars(helpers)).as_dict()
    assert made == eval(TABLE[name].openai)


@pytest.mark.parametrize("name", ["TextContentItem", "ImageContentItem"])
def test_both_lines_make_the_same_content(name: str) -> None:
    row = TABLE[f"{SDK}.models.{name}"]
    assert eval(row.helpers, vars(images).copy()) == eval(row.openai)
