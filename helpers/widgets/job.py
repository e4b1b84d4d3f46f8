"""``Job``: runs a task in a thread, shows what has come of it, and can be stopped at once.

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
from helpers.client.redaction import sanitize

MIN_FRAME = 0.05
"""Seconds between two drawings. The last one does not wait."""
State = Literal["ready", "running", "finished", "stopped", "failed"]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Snapshot(Generic[Value]):
    """The state of a run and its newest value. ``words``: what failed, or what it waits for."""

    state: State
    value: Value
    words: str = ""
    error: BaseException | None = field(default=None, repr=False, compare=False)
    """What the run failed with. Its text may quote a key, so nothing shows it."""

    def as_failed(self, error: BaseException) -> "Snapshot[Value]":
        """Return the snapshot of a run that has failed with ``error``."""
        return Snapshot("failed", self.value, error_text(error), error)


class Stopped(Exception):
    """Raised inside a task where it waits, once its run has been stopped."""


class Run(Generic[Value]):
    """One run of ``job``: its snapshot, which ``job.changed`` guards, and how its task waits."""

    def __init__(self, job: "Job[Value]", snapshot: Snapshot[Value]) -> None:
        self.snapshot = snapshot
        self._changed, self._ended = job.changed, job.ended
        self._on_stop: Callable[[], object] = lambda: None

    @property
    def is_running(self) -> bool:
        """Whether the run goes on."""
        return self.snapshot.state == "running"

    def keep(self, value: Value) -> None:
        """Make ``value`` the newest one. Raises ``Stopped`` if the run is over."""
        with self._changed:
            self._check()
            self.snapshot = Snapshot("running", value)
            self._changed.notify_all()

    def say(self, words: str) -> None:
        """Show ``words``, such as what the task waits for, until the next value.

        Raises ``Stopped`` if the run is over.
        """
        with self._changed:
            self._check()
            self.snapshot = replace(self.snapshot, words=words)
            self._changed.notify_all()

    def sleep(self, seconds: float) -> None:
        """Wait so many ``seconds``. Raises ``Stopped`` as soon as the run is over."""
        with self._changed:
            self._changed.wait_for(lambda: not self.is_running, seconds)
            self._check()

    def on_stop(self, callback: Callable[[], object]) -> None:
        """Call ``callback``, which must not block, when the run is stopped.

        Raises ``Stopped`` if it is over already.
        """
        with self._changed:
            self._check()
            self._on_stop = callback

    def end(self, state: State, error: BaseException | None = None) -> None:
        """End the run, unless it has ended before, and keep its newest value."""
        with self._changed:
            if not self.is_running:
                return
            end = Snapshot(state, self.snapshot.value)
            end = end.as_failed(error) if error else end
            try:
                self._ended(end)
            except Exception as failure:
                end = end.as_failed(failure)
            self.snapshot = end
            self._changed.notify_all()
            if state == "stopped":
                with suppress(Exception):  # the run is over, whatever this does
                    self._on_stop()

    def _check(self) -> None:
        if not self.is_running:
            raise Stopped


class Job(Generic[Value]):
    """Runs one task at a time; ``initial`` is the value before its first.

    ``draw`` is called by one thread at a time, with the newest snapshot and with True if the run
    has just begun or ended. ``ended`` is called once at the end of each run, before that is drawn
    and before another can start; it must not block.
    """

    def __init__(
        self,
        initial: Value,
        draw: Callable[[Snapshot[Value], bool], None],
        ended: Callable[[Snapshot[Value]], None] = lambda snapshot: None,
    ) -> None:
        self.ended, self.changed = ended, threading.Condition()
        self._initial, self._draw, self._drawing = initial, draw, threading.Lock()
        self._run: Run[Value] = Run(self, Snapshot("ready", initial))
        self._painter: threading.Thread | None = None

    @property
    def snapshot(self) -> Snapshot[Value]:
        """The snapshot of the last run."""
        return self._run.snapshot

    def start(self, task: Callable[[Run[Value]], Generator[Value]]) -> bool:
        """Start ``task``, and show each value that it yields; the last one stays.

        Return False, and do nothing, if a task is running.
        """
        with self.changed:
            if self._run.is_running:
                return False
            run = self._run = Run(self, Snapshot("running", self._initial))
        self._painter = _thread(self._paint, run)
        _thread(_work, run, task)
        return True

    def stop(self) -> None:
        """End the run at once, if a task is running, and keep its newest value."""
        self._run.end("stopped")

    def reset(self, value: Value) -> None:
        """Stop the running task and show ``value``, as if nothing had been run."""
        with self.changed:
            self.stop()
            self._run = Run(self, Snapshot("ready", value))
        with self._drawing:
            self._draw(self.snapshot, True)

    def wait(self) -> Snapshot[Value]:
        """Wait until the run has ended and is drawn, and return its snapshot. Not for callbacks."""
        while self._painter is not None and self._painter.is_alive():
            self._painter.join(MIN_FRAME)  # in pieces: on Windows a long wait ignores Ctrl-C
        return self.snapshot

    def _paint(self, run: Run[Value]) -> None:
        """Draw each new snapshot until the run has ended, and its end last."""
        drawn: Snapshot[Value] | None = None
        while drawn is None or drawn.state == "running":
            with self.changed:
                while run.snapshot is drawn:
                    self.changed.wait()
            with self._drawing:
                if self._run is not run:
                    return
                is_first, drawn = drawn is None, run.snapshot
                try:
                    self._draw(drawn, is_first or drawn.state != "running")
                except Exception as error:
                    run.end("failed", error)
                    run.snapshot = drawn.as_failed(error)
                    with suppress(Exception):  # the page may still be able to draw the error
                        self._draw(run.snapshot, True)
                    return
            with suppress(Stopped):
                run.sleep(MIN_FRAME)


def _work(run: Run[Value], task: Callable[[Run[Value]], Generator[Value]]) -> None:
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
