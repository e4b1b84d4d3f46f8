"""A pytest plugin: make nbval treat outputs as a front end does.

nbval runs each cell and compares the messages of the kernel with the stored outputs. JupyterLab,
and papermill, which made the stored outputs, do three things that nbval leaves out:

- ``clear_output`` removes what the cell has shown; with ``wait=True`` when the next output arrives.
- ``update_display_data`` replaces the data of displays that have the same display id.
- Cells run with ``store_history``: a trailing ``;`` silences the result, executions are counted,
  and ``_`` and ``Out`` are filled.

Not supported: a cell that updates a display of an earlier cell, which has been compared by then,
and text that an Output widget captures. No lesson does either.

A lesson gets one more cell, which fails unless the lesson has asked for its whole recording.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile

SHOWN = ("display_data", "execute_result", "stream", "error")
RECORDING_IS_PLAYED = """\
import gc
from helpers.recordings.replay import ReplayTransport

replays = [found for found in gc.get_objects() if isinstance(found, ReplayTransport)]
assert replays, "the lesson made no ReplayTransport"
unplayed = set.intersection(*(set(replay.unplayed()) for replay in replays))
assert not unplayed, unplayed
"""
"""The source of a cell for the end of a lesson. Several clients may replay the same recording."""


@dataclass
class Screen:
    """The display state of the running cell. ``outputs`` is nbval's own list of its outputs."""

    outputs: list[NotebookNode]
    displays: dict[str, list[NotebookNode]] = field(default_factory=dict)
    clear_at_next: bool = False

    def passes(self, kind: str, content: dict[str, Any]) -> bool:
        """Apply a message of the running cell; return True if nbval should collect it too."""
        if kind == "clear_output":
            self.clear_at_next = bool(content["wait"])
            if not self.clear_at_next:
                self.outputs.clear()
            return False
        if kind in SHOWN and self.clear_at_next:
            self.outputs.clear()
            self.clear_at_next = False
        display_id = content.get("transient", {}).get("display_id")
        if display_id and kind in ("display_data", "update_display_data"):
            # nbval keeps the data object of the message if it is a NotebookNode: changing that
            # object later changes the output that nbval holds.
            for data in self.displays.get(display_id, []):
                data.clear()
                data.update(from_dict(content["data"]))
            if kind == "display_data":
                content["data"] = from_dict(content["data"])
                self.displays.setdefault(display_id, []).append(content["data"])
        return kind != "update_display_data"


def pytest_configure(config: pytest.Config) -> None:
    """Make the path of the mask file independent of the working directory."""
    mask = config.option.nbval_sanitize_with
    if mask:
        config.option.nbval_sanitize_with = str(config.rootpath / mask)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Store in the notebook which of its cells is about to run."""
    if isinstance(item, IPyNbCell):
        item.parent.cell_that_runs = item
        item.parent.screen = None


def collect(notebook: IPyNbFile, collect_cells: Any = IPyNbFile.collect) -> Iterator[IPyNbCell]:
    """Yield the cells of a notebook, and for a lesson the check of its recording."""
    yield from collect_cells(notebook)
    if "tutorial" in notebook.nb.metadata:
        facts = {"cell_num": len(notebook.nb.cells), "options": defaultdict(bool)}
        cell = new_code_cell(RECORDING_IS_PLAYED)
        yield IPyNbCell.from_parent(notebook, name="recording", cell=cell, **facts)


def execute_cell_input(kernel: RunningKernel, source: str, allow_stdin: bool | None = None) -> str:
    """Run a cell as Jupyter does, and remember its message id."""
    kernel.request = kernel.kc.execute(
        source, store_history=True, allow_stdin=allow_stdin, stop_on_error=False
    )
    return kernel.request  # type: ignore[no-any-return]


def get_kernel_message(
    notebook: IPyNbFile, timeout: float | None = None, stream: str = "iopub"
) -> dict[str, Any]:
    """Return the next message for nbval; apply the others to the outputs it has collected."""
    while True:
        message: dict[str, Any] = notebook.kernel.get_message(stream, timeout=timeout)
        if message["parent_header"].get("msg_id") != notebook.kernel.request:
            return message  # of another cell: nbval ignores it
        if notebook.screen is None:
            notebook.screen = Screen(notebook.cell_that_runs.test_outputs)
        if notebook.screen.passes(message["msg_type"], message["content"]):
            return message


IPyNbFile.collect = collect
IPyNbFile.get_kernel_message = get_kernel_message
RunningKernel.execute_cell_input = execute_cell_input
