"""Steps a person takes in JupyterLab; each waits until it is done."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from nbformat import NotebookNode, from_dict
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    WebError,
    WebSocket,
)

from tests.browser.lab import Lab
from tests.notebooks import files

WIDTH, HEIGHT = 1100, 1000
"""Pixels: a notebook and its margins, without the file browser."""
BARS = 150
"""Pixels: what JupyterLab shows above and below a notebook."""
STEP = 60_000
"""Milliseconds that a step may take: long, for busy machines; most take less than a second."""
CANCELED = "Canceled future for "
"""How JupyterLab's error starts if a busy kernel restarts, or its notebook is closed."""
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")

# wait_for_function takes a promise for true, whatever it resolves to: these return plain values.
LOADED = "() => window.jupyterapp !== undefined"
WATCH = "() => { window.jupyterapp.restored.then(() => { window.restored = true; }); }"
READY = """() => window.restored && !location.search.includes('reset')
  && window.jupyterapp.commands.hasCommand('docmanager:open')
  && window.jupyterapp.commands.hasCommand('notebook:run-all-cells')"""
OPEN = """async path => {
  const app = window.jupyterapp;
  if (!app.shell.leftCollapsed) await app.commands.execute('application:toggle-left-area');
  const widget = await app.commands.execute('docmanager:open', {path});
  await widget.revealed;
}"""
# On a busy machine a notebook may open behind another tab: activate it then.
IDLE = """path => {
  const { shell } = window.jupyterapp;
  const widget = [...shell.widgets('main')].find(tab => tab.context?.path === path);
  const open = widget !== undefined && shell.currentWidget === widget;
  if (widget && !open) shell.activateById(widget.id);
  const kernel = widget?.context.sessionContext.session?.kernel;
  return open && kernel?.status === 'idle' && kernel.connectionStatus === 'connected';
}"""
# Does not await the promise: a cell that never ends would block the test without a timeout.
# Once a run has ended, JupyterLab moves the focus to the active cell, when that is ready: a test
# that focuses something before that loses the focus again.
START = """([command, index]) => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  if (index !== null) {
    notebook.activeCellIndex = index;
    notebook.deselectAll();
  }
  window.ran = false;
  const frame = () => new Promise(requestAnimationFrame);
  window.jupyterapp.commands.execute(command).then(async () => {
    await notebook.activeCell.ready;
    await frame();
    await frame();
    window.ran = true;
  });
}"""
EXECUTE = """async code => {
  const { session } = window.jupyterapp.shell.currentWidget.context.sessionContext;
  await session.kernel.requestExecute({code, silent: true}).done;
}"""
SAVE = "async () => { await window.jupyterapp.commands.execute('docmanager:save'); }"
CELLS = "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.toJSON().cells"
COUNT = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"
THEME = "name => document.body.dataset.jpThemeLight === String(name === 'light')"
FOLLOWED = """() => {
  const { right } = document.querySelector('.jp-NotebookPanel').getBoundingClientRect();
  return right <= innerWidth && right > innerWidth - 60;
}"""
CLOSE = """() => {
  for (const widget of [...window.jupyterapp.shell.widgets('main')]) {
    if (widget.context) widget.context.model.dirty = false;
    widget.close();
  }
}"""
TIDY = """() => document.querySelector('.jp-Dialog') === null
  && [...window.jupyterapp.shell.widgets('main')].every(widget => !widget.context)"""


def wait_for(condition: Callable[[], bool], page: Page) -> None:
    """Wait for something that is not on the page."""
    end = time.monotonic() + STEP / 1000
    while not condition():
        assert time.monotonic() < end, "It never came."
        page.wait_for_timeout(10)


class CellError(AssertionError):
    """A cell that ended with an error."""


class LabPage:
    """A browser page with JupyterLab in it; one notebook after the other is opened on it.

    ``faults`` lists what went wrong in the page: errors on its console, and requests to any other
    machine.
    """

    def __init__(self, browser: Browser, lab: Lab) -> None:
        self.lab = lab
        self.faults: list[str] = []
        self._loaded = False
        self._context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
        self._context.set_default_timeout(STEP)
        self._context.on("console", self._on_console)
        self._context.on("weberror", self._on_error)
        self._context.on("request", self._on_request)
        self.page = self._context.new_page()
        self.page.on("websocket", self._on_request)

    @contextmanager
    def notebook(self, source: Path, settings: Mapping[str, str]) -> Iterator["Notebook"]:
        """Open a copy of a notebook; its kernel gets ``settings`` as environment variables."""
        if not self._loaded:
            self._load()
        path = self.lab.tree / "notebooks" / source.name
        shutil.copy(source, path)
        place = f"notebooks/{path.name}"
        try:
            self.page.evaluate(OPEN, place)
            self.page.wait_for_function(IDLE, arg=place, polling=50)
            self.page.evaluate(EXECUTE, f"import os; os.environ.update({dict(settings)!r})")
            yield Notebook(self.page, path)
        finally:
            # A page that can't be cleared, or asks something, is loaded again for the next one.
            self._loaded = False
            self.page.evaluate(CLOSE)
            self.lab.stop_kernels()
            self._loaded = bool(self.page.evaluate(TIDY))

    def reset(self) -> None:
        """Go back to the light theme and the usual size, with the pointer out of the way."""
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        self.page.mouse.move(1, 1)

    def check(self) -> None:
        """Raise ``AssertionError`` if anything went wrong in the page since the last call."""
        faults, self.faults = self.faults, []
        assert faults == [], "\n".join(faults)

    def close(self) -> None:
        """Close the page."""
        self._context.close()

    def _load(self) -> None:
        self.page.goto(self.lab.url)
        self.page.wait_for_function(LOADED)
        self.page.evaluate(WATCH)
        self.page.wait_for_function(READY)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"console: {message.text} ({message.location['url']})")

    def _on_error(self, raised: WebError) -> None:
        if not str(raised.error).removeprefix("Error: ").startswith(CANCELED):
            self.faults.append(f"uncaught: {raised.error}")

    def _on_request(self, request: Request | WebSocket) -> None:
        place = urlsplit(request.url)
        if place.scheme not in ("data", "blob") and place.hostname != "127.0.0.1":
            self.faults.append(f"a request to another machine: {request.url}")


class Notebook:
    """An open notebook with an idle kernel.

    A cell is named by its index, or by a piece of its source that no other cell has.
    """

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.path = path
        self._panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def run_all(self) -> None:
        """Run all cells. Raises ``CellError`` for the first that fails."""
        self._run("notebook:run-all-cells", None)

    def run(self, cell: int | str) -> None:
        """Run one cell. Raises ``CellError`` if it fails."""
        self._run("notebook:run-cell", self._index(cell))

    def cells(self) -> list[NotebookNode]:
        """The cells as the page holds them, with their outputs."""
        return [from_dict(cell) for cell in self.page.evaluate(CELLS)]

    def count(self) -> int:
        """The number of cells."""
        return int(self.page.evaluate(COUNT))

    def cell(self, cell: int | str) -> Locator:
        """A cell on the page."""
        return self._panel.locator(".jp-Notebook .jp-Cell").nth(self._index(cell))

    def outputs(self, cell: int | str) -> Locator:
        """The outputs of a cell on the page."""
        return self.cell(cell).locator(".jp-OutputArea-output")

    def panel(self, cell: int | str) -> Locator:
        """Run the cell of a panel, and return the new panel."""
        self.run(cell)
        panel = self.cell(cell).locator(".cc-panel")
        panel.wait_for()
        return panel

    def theme(self, name: Theme) -> None:
        """Make JupyterLab light or dark."""
        self.page.emulate_media(color_scheme=name)
        self.page.wait_for_function(THEME, arg=name)
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def resize(self, width: int) -> None:
        """Make the window so many pixels wide, and wait until JupyterLab has followed."""
        self.page.set_viewport_size({"width": width, "height": HEIGHT})
        self.page.wait_for_function(FOLLOWED)

    def saved(self) -> NotebookNode:
        """Save the notebook, and read its file."""
        self.page.evaluate(SAVE)
        return files.read(self.path)

    @contextmanager
    def whole(self, width: int = WIDTH) -> Iterator[Locator]:
        """Make the window as long as the notebook; gives the part of it that is the notebook."""
        pane = self._panel.locator(".jp-WindowedPanel-outer")
        self.page.set_viewport_size({"width": width, "height": HEIGHT})
        length = pane.evaluate("pane => pane.scrollHeight")
        self.page.set_viewport_size({"width": width, "height": length + BARS})
        try:
            pane.evaluate("pane => pane.scrollTo(0, 0)")
            yield self._panel
        finally:
            self.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})

    def _run(self, command: str, index: int | None) -> None:
        self.page.evaluate(START, [command, index])
        self.page.wait_for_function("() => window.ran")
        ran = self.cells() if index is None else self.cells()[index : index + 1]
        for cell in ran:
            for output in cell.get("outputs", []):
                if output.output_type == "error":
                    raise CellError(f"{output.ename}: {output.evalue}, in the cell\n{cell.source}")

    def _index(self, cell: int | str) -> int:
        if isinstance(cell, int):
            return cell
        found = [index for index, one in enumerate(self.cells()) if cell in one.source]
        if len(found) != 1:
            raise LookupError(f"{len(found)} cells have {cell!r} in their source.")
        return found[0]
