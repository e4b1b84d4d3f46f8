"""A cell that is run again shows the same again."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode

from helpers.client.routes import ROUTES
from helpers.commands.run import environment
from helpers.lessons import LESSONS, Lesson
from tests.notebooks import files


def shown(cell: NotebookNode) -> list[dict[str, Any]]:
    """Return the outputs of a cell without what counts executions."""
    return [{**output, "execution_count": None} for output in cell.outputs]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
def test_each_cell_can_be_run_twice(lesson: Lesson, tmp_path: Path) -> None:
    """Two cells with the same request and different answers are found by this, too.

    The cells that connect are run once: a new client starts at the first recorded answer.
    """
    nb = files.read(lesson.notebook)
    cells = [cell for cell in nb.cells if cell.cell_type == "code"]
    once = [cell for cell in cells if "connect(" in cell.source]
    nb.cells = [deepcopy(cell) for cell in cells for _ in range(1 if cell in once else 2)]
    files.normalise(nb)
    files.write(tmp_path / "in.ipynb", nb)
    with environment(TUTORIAL_ROUTE=ROUTES[0]):
        done = iter(files.execute(tmp_path / "in.ipynb", tmp_path / "out.ipynb").cells)
    for cell in cells:
        first = next(done)
        if cell not in once:
            assert shown(next(done)) == shown(first), cell.source
