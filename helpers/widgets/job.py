"""``Job``: runs a task in a thread, reports its progress, and can be stopped at once.

A callback must not block the kernel: the next click would wait for it. So the task runs in a
thread. A second thread draws, at most 20 times a second and always the last state, so that a quick
stream does not flood the page. A stopped run ignores what its task still does.

Nothing here depends on ipywidgets.
"""

import threading
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypeVar

from helpers.client.errors import ChatError
from helpers.client.text import sanitize

MIN_FRAME = 0.05
"""Seconds between two drawings. The last one does not wait."""
State = Literal["ready", "running", "finished", "stopped", "failed"]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Progress(Generic[Value]):
    """The state of a run and its newest value. ``words``: what failed, or what it waits for."""

    state: State
    value: Value
    words: str = ""
    error: BaseException | None = field(default=None, repr=False, compare=False)
    """What the run failed with. Its text may quote a key, so nothing shows it."""

    def as_failed(self, error: BaseException) -> "Progress[Value]":
        """Return the progress of a run that has failed with ``error``."""
        return Progress("failed", self.value, error_text(error), error)


class Stopped(Exception):
    """Raised inside a task where it waits, once its run has been stopped."""


class Run(Generic[Value]):
    """One run of a job: its progress, and how its task waits. ``changed`` guards it."""

    def __init__(
        self,
        progress: Progress[Value],
        changed: threading.Condition,
        ended: Callable[[Progress[Value]], None],
    ) -> None:
        self.progress = progress
        self.changed, self._ended = changed, ended
        self._on_stop: Callable[[], object] = lambda: None

    @property
    def is_running(self) -> bool:
        """Whether the run goes on."""
        return self.progress.state == "running"

    def keep(self, value: Value) -> None:
        """Make ``value`` the newest one. Raises ``Stopped`` if the run is over."""
        with self.changed:
            self._check()
            self.progress = Progress("running", value)
            self.changed.notify_all()

    def say(self, words: str) -> None:
        """Show ``words``, such as what the task waits for, until the next value."""
        with self.changed:
            if self.is_running:
                self.progress = replace(self.progress, words=words)
                self.changed.notify_all()

    def sleep(self, seconds: float) -> None:
        """Wait so many ``seconds``. Raises ``Stopped`` as soon as the run is over."""
        with self.changed:
            self.changed.wait_for(lambda: not self.is_running, seconds)
            self._check()

    def _check(self) -> None:
        if not self.is_running:
            raise Stopped

    def on_stop(self, callback: Callable[[], object]) -> None:
        """Call ``callback``, which must not block, when the run is stopped.

        Raises ``Stopped`` if it is over already.
        """
        with self.changed:
            self._check()
            self._on_stop = callback

    def end(self, state: State, error: BaseException | None = None) -> bool:
        """End the run and keep its newest value. Return False if it has ended before."""
        with self.changed:
            if not self.is_running:
                return False
            end = Progress(state, self.progress.value)
            end = end.as_failed(error) if error else end
            try:
                self._ended(end)
            except Exception as failure:
                end = end.as_failed(failure)
            self.progress = end
            self.changed.notify_all()
            if state == "stopped":
                with suppress(Exception):  # the run is over, whatever this does
                    self._on_stop()
            return True


Task = Callable[[Run[Value]], Generator[Value]]
"""A generator function: each value that it yields is an interim result, the last one the result."""


class Job(Generic[Value]):
    """Runs one task at a time. ``progress`` is that of the last run.

    ``draw`` is called by one thread at a time, with the newest progress and with True if the run
    has just begun or ended. ``ended`` is called once at the end of each run, before that is drawn
    and before another can start; it must not block.
    """

    def __init__(
        self,
        initial: Value,
        draw: Callable[[Progress[Value], bool], None],
        ended: Callable[[Progress[Value]], None] = lambda progress: None,
    ) -> None:
        self._draw, self._ended = draw, ended
        self._changed = threading.Condition()
        self._drawing = threading.Lock()
        self._run: Run[Value] = Run(Progress("ready", initial), self._changed, ended)
        self._painter: threading.Thread | None = None

    @property
    def progress(self) -> Progress[Value]:
        """The progress of the last run."""
        return self._run.progress

    @property
    def running(self) -> bool:
        """Whether a task is running."""
        return self._run.is_running

    def start(self, task: Task[Value], first: Value) -> bool:
        """Start ``task`` and show ``first``. Return False, and do nothing, if one is running."""
        with self._changed:
            if self.running:
                return False
            run = self._run = Run(Progress("running", first), self._changed, self._ended)
        self._painter = _thread(self._paint, run)
        _thread(_work, run, task)
        return True

    def stop(self) -> bool:
        """End the run at once and keep its newest value. Return False if no task is running."""
        return self._run.end("stopped")

    def reset(self, initial: Value) -> None:
        """Stop the running task and show ``initial``, as if nothing had been run."""
        with self._changed:
            self.stop()
            self._run = Run(Progress("ready", initial), self._changed, self._ended)
        with self._drawing:
            self._draw(self.progress, True)

    def wait(self, seconds: float = float("inf")) -> Progress[Value]:
        """Wait until the run has ended and is drawn, and return its progress. Not for callbacks.

        Raises ``TimeoutError`` after ``seconds``.
        """
        while self._painter is not None and self._painter.is_alive():
            if seconds <= 0:
                raise TimeoutError("The run goes on.")
            self._painter.join(MIN_FRAME)  # in pieces: on Windows a long wait ignores Ctrl-C
            seconds -= MIN_FRAME
        return self.progress

    def _paint(self, run: Run[Value]) -> None:
        """Draw each new progress until the run has ended, and its end last."""
        drawn: Progress[Value] | None = None
        while drawn is None or drawn.state == "running":
            with self._changed:
                while run.progress is drawn:
                    self._changed.wait()
            with self._drawing:
                if self._run is not run:
                    return
                is_first, drawn = drawn is None, run.progress
                try:
                    self._draw(drawn, is_first or drawn.state != "running")
                except Exception as error:
                    run.end("failed", error)
                    run.progress = drawn.as_failed(error)
                    with suppress(Exception):  # the page may still be able to draw the error
                        self._draw(run.progress, True)
                    return
            with suppress(Stopped):
                run.sleep(MIN_FRAME)


def _work(run: Run[Value], task: Task[Value]) -> None:
    try:
        with closing(task(run)) as values:  # closing the generator closes what it has open
            for value in values:
                run.keep(value)
        run.end("finished")
    except BaseException as error:
        run.end("failed", error)


def error_text(error: BaseException) -> str:
    """Return what happened and what to do, in words.

    The text of an unexpected exception is left out: it may quote what it failed on, and so a key.
    """
    if isinstance(error, ChatError):
        return str(error)
    return (
        f"This failed in a way that was not foreseen ({sanitize(type(error).__name__)}).\n"
        "What to do: try again; if it goes on, make the same call in a cell to see the traceback."
    )


def _thread(target: Callable[..., None], *args: Any) -> threading.Thread:
    thread = threading.Thread(target=target, args=args, daemon=True)
    thread.start()
    return thread
