"""The ground of the widgets: controls with labels, and what a cell shows of them.

A ``Panel`` is shown as one bundle: its static twin, which is all that GitHub, a terminal or a
headless run needs, and the live controls only where someone is watching. ipywidgets is imported
here and nowhere else, and only then.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from markupsafe import Markup

from helpers.connect import is_interactive
from helpers.views.view import View
from helpers.widgets.html import status
from helpers.widgets.job import State, error_text

if TYPE_CHECKING:
    import ipywidgets  # type: ignore[import-untyped]

UNCHANGED = 0.3
"""Seconds after Enter by which a changed text has come: none means that it is the one before."""
SETTLED = 0.3
"""Seconds after the press of a button by which a text that was changed before it has come.

Each control sends for itself, and the kernel hears them in several threads: it may hear of the
button first. So what a button starts waits that long (in its thread) before it looks at a box.
"""
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
STYLE = Path(__file__).with_suffix(".css")

_NOTE = Markup("{}\n<p><i>{}</i></p>")


class Panel(ABC):
    """A view that can be operated. It owns its ipywidgets, and is none itself.

    A subclass gives ``name`` (its root has the classes ``cc-panel`` and ``cc-NAME``), ``note`` (one
    sentence on what someone without a kernel misses), ``static_view`` and ``build``.
    """

    name: ClassVar[str]
    note: ClassVar[str]

    @abstractmethod
    def static_view(self) -> View:
        """What the panel holds now, for all who can't operate it."""

    @abstractmethod
    def build(self) -> Iterable[Any]:
        """Make the controls: called once, when they are shown first. From top to bottom."""

    @property
    def is_built(self) -> bool:
        """Whether there are controls that can be changed: nobody may be there to see them."""
        return "root" in self.__dict__

    @cached_property
    def root(self) -> ipywidgets.VBox:
        """The widget that holds all the others."""
        from helpers.widgets.page_script import attributes

        style = area("style", f"<style>{STYLE.read_text(encoding='utf-8')}</style>")
        return named(column(style, *self.build(), attributes()), "panel", self.name)

    def report_errors(self, action: Callable[[], object]) -> Callable[..., None]:
        """``action`` as a callback: where it fails, the status line says so in words."""

        def callback(*_: object) -> None:
            try:
                action()
            except Exception as error:
                self.say("failed", error_text(error))

        return callback

    @cached_property
    def status(self) -> ipywidgets.HTML:
        """The line that says how things stand: ``build`` puts it where it belongs."""
        return area("status", status("ready"))

    def say(self, state: State, words: str = "") -> None:
        """Show how things stand."""
        self.status.value = status(state, words)

    def __repr__(self) -> str:
        return self._static().plain

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        bundle: dict[str, Any] = {**self._static()._repr_mimebundle_()}
        if is_interactive():
            bundle[WIDGET_VIEW] = self.root._repr_mimebundle_()[WIDGET_VIEW]
        return bundle

    def _static(self) -> View:
        static_view = self.static_view()
        html = _NOTE.format(Markup(static_view.html), self.note)
        return View(str(html), f"{static_view.plain}\n\n{self.note}")


def button(
    label: str, name: str, action: Callable[..., None], *, hint: str = "", primary: bool = False
) -> ipywidgets.Button:
    """A button; ``action`` is best guarded (``Panel.guarded``). ``hint`` is shown on hover."""
    import ipywidgets

    made = ipywidgets.Button(description=label, tooltip=hint or label)
    made.on_click(action)
    return named(made, name, *(["primary"] if primary else []))


def text_box(
    label: str, name: str, value: str = "", *, rows: int = 1, placeholder: str = ""
) -> ipywidgets.Combobox:
    """A box for text, of one line or with its label above several ``rows``.

    That of one line has ``options``, texts that it offers. It sends its text with every key: a new
    list of options sets the text anew, and would undo what was typed and not sent. The other sends
    it when it is left.
    """
    import ipywidgets

    facts = {"description": label, "value": value, "placeholder": placeholder, **_free()}
    facts["continuous_update"] = rows == 1
    if rows == 1:
        return named(ipywidgets.Combobox(ensure_option=False, **facts), name, "wide")
    return named(ipywidgets.Textarea(rows=rows, **facts), name, "wide", "above")


def on_enter(box: ipywidgets.Combobox, action: Callable[[], object]) -> None:
    """Have ``action`` called when Enter is pressed in a box of one line, its text being here.

    The page tells of the key at once, and sends the text after it: if it was changed at all.
    """
    due: list[threading.Timer] = []
    lock = threading.Lock()

    def act() -> None:
        with lock:
            if not due:
                return
            due.pop().cancel()
        action()

    def pressed(_: object, said: dict[str, object], __: object) -> None:
        if said.get("event") != "submit":
            return
        with lock:
            if due:
                return
            due.append(threading.Timer(UNCHANGED, act))
            due[0].start()

    box.on_msg(pressed)
    box.observe(lambda change: act(), "value")


def password_box(label: str, name: str) -> ipywidgets.Password:
    """A box whose text is not seen. Take its value with ``taken``, and never set one.

    It has its value as soon as it is left, and not before: while a key is being typed, the page
    keeps no part of it where a saved notebook would have it.
    """
    import ipywidgets

    made = ipywidgets.Password(description=label, continuous_update=False, **_free())
    return named(made, name, "wide")


def taken(box: ipywidgets.Password) -> str:
    """The text of ``box``, which is empty from now on: a saved notebook can't hold it."""
    value = str(box.value)
    box.value = ""
    return value


def choice(label: str, name: str, options: Sequence[Any], value: Any) -> ipywidgets.Dropdown:
    """One of ``options`` (each a value, or a pair of its words and it)."""
    import ipywidgets

    made = ipywidgets.Dropdown(description=label, options=options, value=value, **_free())
    return named(made, name)


def area(name: str, html: str = "") -> ipywidgets.HTML:
    """A place for html, in its ``value``: all text from elsewhere goes through ``lines`` first."""
    import ipywidgets

    return named(ipywidgets.HTML(html, tooltip=""), name)


def row(*parts: Any) -> ipywidgets.HBox:
    """Side by side, in several lines where the page is narrow."""
    import ipywidgets

    return named(ipywidgets.HBox(parts), "row")


def column(*parts: Any) -> ipywidgets.VBox:
    """One below the other."""
    import ipywidgets

    return named(ipywidgets.VBox(parts), "column")


def named(made: Any, *names: str) -> Any:
    """``made`` with the classes ``cc-NAME``, by which styles and tests find it."""
    for name in names:
        made.add_class(f"cc-{name}")
    return made


def _free() -> dict[str, Any]:
    return {"style": {"description_width": "initial"}}
