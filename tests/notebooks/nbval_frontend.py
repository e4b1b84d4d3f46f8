"""Teach nbval what a front end does: a pytest plugin.

nbval runs each cell of a notebook and compares what comes back with what is stored. It collects
every output that the kernel sends, as it comes. A front end (JupyterLab, or papermill, which made
the stored outputs) does three things more, and without them a cell that streams an answer into
one display never compares equal:

- ``clear_output`` takes away what the cell has shown; with ``wait=True``, when the next output
  arrives.
- ``update_display_data`` replaces the data of displays that have the same display id.
- It runs cells with ``store_history``, which is what makes a trailing ``;`` silent, counts
  executions, and fills ``_`` and ``Out``.

Two things stay beyond it: a cell that updates a display of an earlier cell (that one has been
compared by then), and text that an Output widget captures (no notebook uses ``with out:``).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode, from_dict
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile

SHOWN = ("display_data", "execute_result", "stream", "error")


@dataclass
class Screen:
    """What a front end remembers while one cell runs. ``outputs`` is nbval's list of them."""

    outputs: list[NotebookNode]
    displays: dict[str, list[NotebookNode]] = field(default_factory=dict)
    clear_at_next: bool = False

    def passes(self, kind: str, content: dict[str, Any]) -> bool:
        """Apply a message of the running cell; True if nbval should collect it too."""
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
            # nbval keeps the very object that it finds in the message if it is a NotebookNode
            # already: replacing what is in that object changes the output that nbval holds.
            for data in self.displays.get(display_id, []):
                data.clear()
                data.update(from_dict(content["data"]))
            if kind == "display_data":
                content["data"] = from_dict(content["data"])
                self.displays.setdefault(display_id, []).append(content["data"])
        return kind != "update_display_data"


def pytest_configure(config: pytest.Config) -> None:
    """Find the mask file from any working directory: its path is relative to the project."""
    mask = config.option.nbval_sanitize_with
    if mask:
        config.option.nbval_sanitize_with = str(config.rootpath / Path(mask))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tell the notebook which of its cells is about to run."""
    if isinstance(item, IPyNbCell):
        item.parent.cell_that_runs = item
        item.parent.screen = None


def execute_cell_input(kernel: RunningKernel, source: str, allow_stdin: bool | None = None) -> str:
    """Run a cell as Jupyter does, and remember its message id."""
    kernel.request = kernel.kc.execute(
        source, store_history=True, allow_stdin=allow_stdin, stop_on_error=False
    )
    return kernel.request  # type: ignore[no-any-return]


def get_kernel_message(
    notebook: IPyNbFile, timeout: float | None = None, stream: str = "iopub"
) -> dict[str, Any]:
    """The next message that nbval should see; the others are applied to what it has collected."""
    while True:
        message: dict[str, Any] = notebook.kernel.get_message(stream, timeout=timeout)
        if message["parent_header"].get("msg_id") != notebook.kernel.request:
            return message  # of another cell: nbval passes over it
        if notebook.screen is None:
            notebook.screen = Screen(notebook.cell_that_runs.test_outputs)
        if notebook.screen.passes(message["msg_type"], message["content"]):
            return message


RunningKernel.execute_cell_input = execute_cell_input
IPyNbFile.get_kernel_message = get_kernel_message
