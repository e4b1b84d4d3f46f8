"""nbval with the plugin agrees with papermill on what a cell shows, and finds what differs."""

import subprocess
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from helpers.lessons import ROOT
from tests.notebooks import files

CELLS = {
    "updated": """\
from IPython.display import HTML, Markdown, clear_output, display

shown = display(Markdown("first"), display_id=True)
shown.update(Markdown("second"))
shown.update(Markdown("last"))""",
    "shown twice under one id": 'display("a", display_id="x")\ndisplay("last", display_id="x")',
    "cleared": 'print("first")\nclear_output()\nprint("last")',
    "cleared when the next comes": """\
for word in ("first", "second", "last"):
    clear_output(wait=True)
    print(word, flush=True)""",
    "cleared, but nothing comes": 'print("last")\nclear_output(wait=True)',
    "in pieces": 'for piece in ("la", "st"):\n    print(piece, end="", flush=True)',
    "silenced": '"first";\nprint("last")',
    "the answer before": '"last"',
    "picked up again": "_",
}
PICTURE = 'HTML(\'<img alt="three words here" src="data:image/png;base64,AAAA">\')'


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a notebook of cells that need a front end, run by papermill."""
    folder = tmp_path_factory.mktemp("frontend")
    nb = new_notebook(cells=[new_code_cell(source) for source in [*CELLS.values(), PICTURE]])
    files.normalise(nb)
    files.write(folder / "made.ipynb", nb)
    files.execute(folder / "made.ipynb", folder / "executed.ipynb")
    return folder / "executed.ipynb"


def nbval(path: Path) -> str:
    """Return what pytest says about a notebook, with the project's own settings."""
    settings = ROOT / "pyproject.toml"
    command = [sys.executable, "-m", "pytest", "-c", settings, "-p", "no:cacheprovider", path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    return done.stdout + done.stderr


def test_what_papermill_stored_is_found_again_but_for_the_bytes_of_pictures(executed: Path) -> None:
    nb = files.read(executed)
    html = nb.cells[-1].outputs[0].data["text/html"]
    nb.cells[-1].outputs[0].data["text/html"] = html.replace("AAAA", "BBBB")
    files.write(executed.with_name("other_bytes.ipynb"), nb)
    said = nbval(executed.with_name("other_bytes.ipynb"))
    assert f"{len(CELLS) + 1} passed" in said, said


def test_a_change_in_any_cell_is_found(executed: Path) -> None:
    nb = files.read(executed)
    for cell in nb.cells:
        for output in cell.outputs:
            shown = output.data if "data" in output else output
            for name in shown.keys() & {"text", "text/plain", "text/html", "text/markdown"}:
                shown[name] = shown[name].replace("last", "lost").replace("three", "four")
    files.write(executed.with_name("changed.ipynb"), nb)
    said = nbval(executed.with_name("changed.ipynb"))
    assert f"{len(CELLS) + 1} failed" in said, said
