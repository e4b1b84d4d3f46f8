"""A pytest plugin: nbval runs each cell of a lesson twice, and then the recording was used whole.

Both runs have to show what is committed, so a reader may run a cell again. Two cells with the same
request and different answers are found by this, too.

nbval ignores ``clear_output`` and updates of a display. No lesson uses them; a cell that did would
fail, because papermill, which makes the stored outputs, applies them.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from nbval.plugin import IPyNbCell, IPyNbFile

RECORDING_IS_PLAYED = """\
import gc
from helpers.recordings.replay import ReplayTransport

# isinstance would ask lazy objects of openai for their class, which imports half of it.
replays = [found for found in gc.get_objects() if type(found) is ReplayTransport]
replays = [one for one in replays if one.recording["lesson"] == "LESSON"]
replays = [one for one in replays if one.recording["provenance"]["route"] == "ROUTE"]
assert replays, "the lesson made no ReplayTransport"
unplayed = set.intersection(*(set(replay.unplayed()) for replay in replays))
assert not unplayed, unplayed
"""


def check_recording(lesson: str, route: str) -> NotebookNode:
    """Return a cell for the end of a lesson: it fails if some of its recording was not used.

    Several clients may replay the same recording; what a client replays of another route is a part.
    """
    source = RECORDING_IS_PLAYED.replace("LESSON", lesson).replace("ROUTE", route)
    return new_code_cell(source)


def pytest_configure(config: pytest.Config) -> None:
    """Make the path of the mask file independent of the working directory."""
    if mask := config.option.nbval_sanitize_with:
        config.option.nbval_sanitize_with = str(config.rootpath / mask)


def collect(notebook: IPyNbFile, collect_cells: Any = IPyNbFile.collect) -> Iterator[IPyNbCell]:
    """Yield the cells of a notebook; for a lesson twice, and the check of its recording."""
    is_lesson = None
    for item in collect_cells(notebook):
        yield item
        is_lesson = "tutorial" in notebook.nb.metadata
        # A new client starts at the first recorded answer: the cells that connect run once.
        if is_lesson and "connect(" not in item.cell.source:
            again = {"cell_num": item.cell_num, "cell": item.cell, "options": item.options}
            yield IPyNbCell.from_parent(notebook, name=f"{item.name} again", **again)
    if is_lesson:
        facts = {"cell_num": len(notebook.nb.cells), "options": defaultdict(bool)}
        made = notebook.nb.metadata["tutorial"]
        cell = check_recording(made["lesson"], made["provenance"]["route"])
        yield IPyNbCell.from_parent(notebook, name="recording", cell=cell, **facts)


IPyNbFile.collect = collect
