"""``Job``: runs a task in a thread, reports its progress, and can be stopped at once.

A callback must not block the kernel: the next click would wait for it. So the task runs in a
thread. A second thread draws, at most 20 times a second and always the last state, so that a quick
stream does not flood the page. A stopped job ignores what its task still does.

Nothing here depends on ipywidgets.
"""

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

from helpers.client.errors import ChatError
from helpers.client.text import sanitize

MIN_FRAME = 0.05
"""Seconds between two drawings. The last one does not wait."""
State = Literal["ready", "running", "finished", "stopped", "failed"]
Value = TypeVar("Value")
Task = Callable[["RunContext"], Generator[Value]]
"""A generator function: each value that it yields is an interim result, the last one the result."""


@dataclass(frozen=True)
class Progress(Generic[Value]):
    """The state of a job and its newest value. ``words``: what failed, or what it waits for."""

    state: State
    value: Value
    words: str = ""


class Stopped(Exception):
    """Raised inside a task where it waits, once its run has been stopped."""


class RunContext:
    """One run of a job, as its task sees it."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        """Shows words, such as what the task waits for, until the next value."""
        self.over = threading.Event()
        """Set when the run has ended, in whatever way."""
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    def sleep(self, seconds: float) -> None:
        """Wait so many ``seconds``. Raises ``Stopped`` as soon as the run is stopped."""
        if self.over.wait(seconds):
            raise Stopped

    @contextmanager
    def on_stop(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call ``callback``, which must not block, if the run is stopped within the block.

        Raises ``Stopped`` if the run was stopped before.
        """
        with self._lock:
            if self.over.is_set():
                raise Stopped
            self._callbacks.append(callback)
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.remove(callback)

    def stop(self) -> None:
        """End every wait of the task."""
        with self._lock:
            self.over.set()
            for callback in self._callbacks:
                with suppress(Exception):  # the run is over, whatever this does
                    callback()


class Job(Generic[Value]):
    """Runs one task at a time. ``progress`` is that of the running task or of the last one.

    ``draw`` is called with the newest progress, by one thread at a time. ``ended`` is called once
    at the end of each run, before that is drawn and before another can start; it must not block.
    ``error`` is the exception that the last run failed with.
    """

    def __init__(
        self,
        initial: Value,
        draw: Callable[[Progress[Value]], None],
        ended: Callable[[Progress[Value]], None] = lambda progress: None,
    ) -> None:
        self.progress: Progress[Value] = Progress("ready", initial)
        self.error: BaseException | None = None
        self._draw, self._ended = draw, ended
        self._context: RunContext | None = None
        self._changed = threading.Condition()  # guards what stands above
        self._drawing = threading.Lock()
        self._painter: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether a task is running."""
        return self.progress.state == "running"

    def start(self, task: Task[Value], first: Value) -> bool:
        """Start ``task`` and show ``first``. Return False, and do nothing, if one is running."""
        with self._changed:
            if self.running:
                return False
            context = self._context = RunContext(lambda words: self._say(context, words))
            self.error, self.progress = None, Progress("running", first)
            self._changed.notify_all()
        self._painter = _thread(self._paint, context)
        _thread(self._work, context, task)
        return True

    def stop(self) -> bool:
        """End the run at once and keep its newest value. Return False if no task is running."""
        with self._changed:
            context = self._context
            if context is None or not self.running:
                return False
            self._end(Progress("stopped", self.progress.value))
        context.stop()
        return True

    def reset(self, initial: Value) -> None:
        """Stop the running task and show ``initial``, as if nothing had been run."""
        self.stop()
        with self._changed:
            self._context, self.error, self.progress = None, None, Progress("ready", initial)
            self._changed.notify_all()
        with self._drawing:
            self._draw(self.progress)

    def wait(self, seconds: float | None = None) -> Progress[Value]:
        """Wait until the run has ended and is drawn, and return its progress. Not for callbacks.

        Raises ``TimeoutError`` after ``seconds``.
        """
        left = float("inf") if seconds is None else seconds
        while self._painter is not None and self._painter.is_alive():
            if left <= 0:
                raise TimeoutError("The run goes on.")
            self._painter.join(MIN_FRAME)  # in pieces: on Windows a long wait ignores Ctrl-C
            left -= MIN_FRAME
        return self.progress

    def result(self) -> Value:
        """Wait for the end and return the value. Raises what the task raised; Ctrl-C stops it."""
        try:
            value = self.wait().value
        except KeyboardInterrupt:
            self.stop()
            raise
        if self.error is not None:
            raise self.error
        return value

    def _work(self, context: RunContext, task: Task[Value]) -> None:
        try:
            # Closing the generator closes what it has open.
            with closing(task(context)) as values:
                for value in values:
                    if not self._keep(context, Progress("running", value)):
                        return
            self._finish(context, "finished")
        except BaseException as error:
            self._finish(context, "failed", error)

    def _keep(self, context: RunContext, progress: Progress[Value]) -> bool:
        with self._changed:
            mine = context is self._context and self.running
            if mine:
                self.progress = progress
                self._changed.notify_all()
        return mine

    def _say(self, context: RunContext, words: str) -> None:
        with self._changed:
            self._keep(context, replace(self.progress, words=words))

    def _finish(
        self, context: RunContext, state: State, error: BaseException | None = None
    ) -> None:
        with self._changed:
            if context is self._context and self.running:
                self.error = error
                words = error_text(error) if error else ""
                self._end(Progress(state, self.progress.value, words))
                context.over.set()

    def _end(self, progress: Progress[Value]) -> None:
        try:
            self._ended(progress)
        except Exception as error:
            self.error, progress = error, replace(progress, state="failed", words=error_text(error))
        self.progress = progress
        self._changed.notify_all()

    def _paint(self, context: RunContext) -> None:
        """Draw each new progress until the run has ended, and its end last."""
        drawn: Progress[Value] | None = None
        while drawn is None or drawn.state == "running":
            self._wait_for_news(context, drawn)
            with self._drawing:
                if self._context is not context:
                    return
                drawn = self.progress
                try:
                    self._draw(drawn)
                except Exception as error:
                    self._give_up(context, error)
                    return
            context.over.wait(MIN_FRAME)

    def _wait_for_news(self, context: RunContext, drawn: Progress[Value] | None) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: self.progress is not drawn or self._context is not context
            )

    def _give_up(self, context: RunContext, error: BaseException) -> None:
        """Fail because of a drawing. The page may still be able to draw the error."""
        context.stop()
        with self._changed:
            self._finish(context, "failed", error)
            self.error = error
            self.progress = replace(self.progress, state="failed", words=error_text(error))
        with suppress(Exception):
            self._draw(self.progress)


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
