"""``Panel``, the base of all widgets, and the controls that panels are made of.

A panel is shown as one MIME bundle: its static view, which is all that GitHub, a terminal or a
headless run needs, and its controls only where somebody can use them. ipywidgets and anywidget are
imported when controls are built, not before.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from markupsafe import Markup

from helpers.connect import is_interactive
from helpers.views.view import View, escape_lines
from helpers.widgets.job import State, error_text

if TYPE_CHECKING:
    import ipywidgets  # type: ignore[import-untyped]

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

_NOTE = "Run this cell in JupyterLab, and "
_NOTED = Markup("{}\n<p><i>{}</i></p>")
_STATUS = Markup('<div class="cc-state" data-state="{}" role="{}">{} {}</div>')
_STATES: dict[State, str] = {
    "ready": "Ready.",
    "running": "Running …",
    "finished": "Finished.",
    "stopped": "Stopped.",
    "failed": "It failed.",
}


class Panel(ABC):
    """A view with controls. It owns its ipywidgets, and is none itself.

    A subclass gives ``name`` (its root has the classes ``cc-panel`` and ``cc-NAME``), ``note`` (it
    goes on after "Run this cell in JupyterLab, and", below the static view), ``static_view`` and
    ``build``. Showing a panel sends nothing.
    """

    name: ClassVar[str]
    note: ClassVar[str]
    status: ipywidgets.HTML
    """The status line, which ``build`` makes if anything in the panel can fail."""
    _root: ipywidgets.VBox | None = None

    @abstractmethod
    def static_view(self) -> View:
        """Return what the panel holds now, for everyone without controls."""

    @abstractmethod
    def build(self) -> list[Any]:
        """Make the controls, from top to bottom. Called again if they are shown after ``close``."""

    def refresh(self) -> None:  # noqa: B027
        """Show the current state in the controls that ``build`` has made."""

    @property
    def is_built(self) -> bool:
        """Whether the controls exist."""
        return self._root is not None

    @property
    def root(self) -> ipywidgets.VBox:
        """The widget that holds all others, made when it is first asked for."""
        if self._root is None:
            style = area("style", f"<style>{_file('panel.css')}</style>")
            controls = column(style, *self.build(), page_script())
            self._root = named(controls, "panel", self.name)
            self.refresh()
        return self._root

    def close(self) -> None:
        """Close the controls. Called when the cell that shows them runs again."""
        root, self._root = self._root, None
        if root is not None:
            _close(root)

    def report_errors(self, action: Callable[[], object]) -> Callable[..., None]:
        """Return ``action`` as a callback that shows an exception in the status line.

        ipywidgets would send it to a log that nobody reads.
        """

        def callback(*_: object) -> None:
            try:
                action()
            except Exception as error:
                self.set_status("failed", error_text(error))

        return callback

    def button(
        self, label: str, name: str, action: Callable[[], object], hint: str
    ) -> ipywidgets.Button:
        """Make a button; ``hint`` is its tooltip."""
        made = _made("Button", name, description=label, tooltip=hint)
        made.on_click(self.report_errors(action))
        return made

    def set_status(self, state: State, words: str = "") -> None:
        """Show ``state`` and ``words`` in the status line."""
        self.status.value = status_html(state, words)

    def __repr__(self) -> str:
        return self._noted().plain

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        bundle: dict[str, Any] = {**self._noted()._repr_mimebundle_()}
        if is_interactive():
            _note_shown(self)
            bundle[WIDGET_VIEW] = self.root._repr_mimebundle_()[WIDGET_VIEW]
        return bundle

    def _noted(self) -> View:
        view, note = self.static_view(), f"{_NOTE}{self.note}"
        return View(str(_NOTED.format(Markup(view.html), note)), f"{view.plain}\n\n{note}")


def status_html(state: State, words: str = "") -> str:
    """Return a status line: the state in a word, then ``words``.

    It is a live region: screen readers announce a change politely, a failure at once.
    """
    role = "alert" if state == "failed" else "status"
    return str(_STATUS.format(state, role, _STATES[state], escape_lines(words)))


def area(name: str, html: str = "") -> ipywidgets.HTML:
    """Make a place for html. Pass text from elsewhere through ``escape_lines`` first."""
    return _made("HTML", name, value=html, tooltip="")


def row(*parts: Any) -> ipywidgets.HBox:
    """Put ``parts`` side by side, on several lines where the page is narrow."""
    return _made("HBox", "row", children=parts)


def column(*parts: Any) -> ipywidgets.VBox:
    """Put ``parts`` one below the other."""
    return _made("VBox", "column", children=parts)


def page_script() -> Any:
    """Make the invisible widget that runs ``page_script.js``, for all panels on the page.

    The script sets attributes that ipywidgets has no trait for: one keeps JupyterLab's shortcuts
    (B adds a cell, D D deletes one) off a focused list or log, and one makes the status line a live
    region, which a screen reader announces.
    """
    import anywidget

    made = anywidget.AnyWidget(_esm=_file("page_script.js"))
    made.layout.display = "none"
    return made


def named(made: Any, *names: str) -> Any:
    """Return ``made`` with the classes ``cc-NAME``, for the style sheet and for tests."""
    for name in names:
        made.add_class(f"cc-{name}")
    return made


def set_primary(made: ipywidgets.Button, primary: bool) -> None:
    """Highlight a button, or stop highlighting it.

    Buttons stay enabled: disabling the focused button would drop keyboard focus.
    """
    (made.add_class if primary else made.remove_class)("cc-primary")


def labelled(kind: str, label: str, *names: str, **traits: Any) -> Any:
    """Make the ipywidgets control ``kind`` with a label, and with the classes ``cc-NAME``."""
    style = {"description_width": "initial"}
    return _made(kind, *names, description=label, style=style, **traits)


def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _made(kind: str, *names: str, **traits: Any) -> Any:
    """Make the ipywidgets control ``kind`` with the classes ``cc-NAME``."""
    import ipywidgets

    return named(getattr(ipywidgets, kind)(**traits), *names)


def _close(made: ipywidgets.Widget) -> None:
    """Close a widget with all that belongs to it: ipywidgets closes it alone."""
    own = (getattr(made, name, None) for name in ("layout", "style"))
    for part in (*getattr(made, "children", ()), *own):
        if part is not None:
            _close(part)
    made.close()


_shown: dict[str, list[Panel]] = {}
"""The panels that each cell showed when it ran last."""


def _note_shown(panel: Panel) -> None:
    """Note that the running cell shows ``panel``, which is closed when that cell runs again.

    ipywidgets keeps every control until it is closed, in the kernel and on the page, though the
    output that it stood in is gone. Does nothing outside of a Jupyter kernel.
    """
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython else None
    if not hasattr(shell, "get_parent"):
        return
    if _close_earlier not in shell.events.callbacks["pre_run_cell"]:
        shell.events.register("pre_run_cell", _close_earlier)
    _shown.setdefault(_running_cell(), []).append(panel)


def _close_earlier(_: object) -> None:
    """Close what the cell that starts now showed before, unless another cell shows it still."""
    for panel in _shown.pop(_running_cell(), []):
        if not any(panel in others for others in _shown.values()):
            panel.close()


def _running_cell() -> str:
    """Return the id of the running cell, which JupyterLab and VS Code send, or else its code."""
    request = sys.modules["IPython"].get_ipython().get_parent()
    cell = request.get("metadata", {}).get("cellId") or request.get("content", {}).get("code")
    return str(cell)
