"""What the tests of panels share: finding controls as the page does, and reading what they show."""

import asyncio
import re
import threading
from collections.abc import AsyncIterator
from typing import Any

import httpx

from helpers.widgets.job import Job, Run, Snapshot
from helpers.widgets.panel import Panel
from tests.fakes import DONE, answer, piece, streamed
from tests.views.test_views import Page

LONG = 20
"""Seconds after which a wait that should have ended counts as one that never does."""
HELLO = streamed(piece("Hel"), piece("lo"), piece("", "stop"), DONE)


def run() -> Run[Any]:
    """A run that goes on."""
    return Run(Job(None, lambda *_: None), Snapshot("running", None))


class Held(httpx.AsyncByteStream):
    """A stream that brings one piece and then waits until it is let go."""

    def __init__(self, *rest: str) -> None:
        self.go = threading.Event()
        self.rest = rest or (piece(" upon a time"),)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield piece("Once").encode()
        while not self.go.is_set():
            await asyncio.sleep(0.01)
        yield "".join(self.rest).encode()

    @property
    def answer(self) -> Any:
        return answer(body=self, content_type="text/event-stream")


def widgets_of(made: Any) -> list[Any]:
    """A widget and all that it holds."""
    return [made, *(one for child in getattr(made, "children", ()) for one in widgets_of(child))]


def control(panel: Panel, name: str) -> Any:
    """The widget of the class ``cc-NAME``, which is how style and browser find it."""
    (found,) = [one for one in widgets_of(panel.root) if f"cc-{name}" in one._dom_classes]
    return found


def has(panel: Panel, name: str) -> bool:
    return any(f"cc-{name}" in one._dom_classes for one in widgets_of(panel.root))


def end_of(job: Job[Any]) -> Snapshot[Any]:
    """Wait until a run has ended and is drawn."""
    assert job._painter
    job._painter.join(LONG)
    assert not job._painter.is_alive(), "The run goes on."
    return job.snapshot


def press(panel: Any, name: str = "run") -> Any:
    """Press a button and wait for the end of the run."""
    control(panel, name).click()
    return end_of(panel.job)


def primary(panel: Any) -> list[str]:
    """The buttons that stand out. None is ever disabled: it would lose the focus."""
    buttons = [one for one in widgets_of(panel.root) if hasattr(one, "on_click")]
    assert not any(one.disabled for one in buttons)
    return [one._dom_classes[0][3:] for one in buttons if "cc-primary" in one._dom_classes]


def enter(box: Any) -> None:
    """Press Enter in a box: the page tells of the key first, and sends the text after it."""
    box._handle_custom_msg({"event": "submit"}, [])


def state(panel: Panel, name: str = "status") -> tuple[str, str]:
    """What a status line says: the state, and all its words."""
    html = control(panel, name).value
    found = re.search(r'data-state="(\w+)"[^>]*>(.*)</div>', html, re.DOTALL)
    assert found
    return found[1], " ".join(Page(f"<p>{found[2]}</p>").text.split())


def html_of(panel: Panel) -> str:
    """All html that the panel shows, but for its style sheet."""
    areas = [one for one in widgets_of(panel.root) if "cc-style" not in one._dom_classes]
    return "\n".join(one.value for one in areas if type(one).__name__ == "HTML")


def everything(panel: Any) -> list[str]:
    """All that leaves a panel: its bundle, its words, and the state of each of its widgets."""
    states = [repr(one.get_state()) for one in widgets_of(panel.root)]
    return [repr(panel), repr(panel._repr_mimebundle_()), repr(panel.job.snapshot), *states]


def join_tasks() -> None:
    """Wait for the threads of tasks that nobody waits for any more."""
    for thread in threading.enumerate():
        if thread.name.endswith("(_work)"):
            thread.join(LONG)
