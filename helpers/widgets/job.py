"""Work beside the kernel's main thread: a job that shows how far it is, and can be stopped.

What a button starts must not keep the kernel busy: the press of the next button would wait for it.
So the work runs in a thread. A second thread draws, at most 20 times a second and the last state
always, so that a quick stream does not flood the page. A stop counts at once, whatever the work is
waiting for: what it does afterwards is neither drawn nor kept.

No widget is known here. ``Job.draw`` may set those of a page, or note what it is given in a test.
"""

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar

from helpers.client.errors import ChatError
from helpers.client.text import sanitize

MIN_FRAME = 0.05
"""Seconds from one drawing to the next, but for the last, which does not wait."""
State = Literal["ready", "running", "finished", "stopped", "failed"]
Value = TypeVar("Value")
Work = Callable[["RunContext"], Generator[Value]]
"""A generator: each value that it yields says how far it is, the last one is the result."""


@dataclass(frozen=True)
class Progress(Generic[Value]):
    """How far a job is. ``words``: what went wrong, or what it waits for; else empty."""

    state: State
    value: Value
    words: str = ""


class Stopped(Exception):
    """Raised inside the work where it waits, once nobody wants its result any more."""


class RunContext:
    """One run of a job, as its work sees it."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        """Shows words, such as what the work waits for, until the next value."""
        self.over = threading.Event()
        """Set when the run has ended in whatever way."""
        self._lock = threading.Lock()
        self._wakes: list[Callable[[], None]] = []

    def sleep(self, seconds: float) -> None:
        """Wait. Raises ``Stopped`` as soon as the run is stopped."""
        if self.over.wait(seconds):
            raise Stopped

    @contextmanager
    def woken_by(self, wake: Callable[[], None]) -> Iterator[None]:
        """Have ``wake`` called if the run is stopped within the block: it must not block itself.

        Raises ``Stopped`` if the run was stopped before.
        """
        with self._lock:
            if self.over.is_set():
                raise Stopped
            self._wakes.append(wake)
        try:
            yield
        finally:
            with self._lock:
                self._wakes.remove(wake)

    def stop(self) -> None:
        """End every wait of the work."""
        with self._lock:
            self.over.set()
            for wake in self._wakes:
                with suppress(Exception):  # for its reader the run is over, whatever comes of this
                    wake()


class Job(Generic[Value]):
    """Runs one piece of work at a time; ``progress`` is how far it is, or how the last one ended.

    ``draw`` is given the newest progress, always by one thread at a time. ``ended`` is told once
    how each run ended, before that is drawn and before another can start; it must not block.
    ``error`` is the exception by which the last run failed.
    """

    def __init__(
        self,
        shown: Value,
        draw: Callable[[Progress[Value]], None],
        ended: Callable[[Progress[Value]], None] = lambda progress: None,
    ) -> None:
        self.progress: Progress[Value] = Progress("ready", shown)
        self.error: BaseException | None = None
        self._draw, self._ended = draw, ended
        self._turn: RunContext | None = None
        self._changed = threading.Condition()  # guards what stands above
        self._drawing = threading.Lock()
        self._painter: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self.progress.state == "running"

    def start(self, work: Work[Value], first: Value) -> bool:
        """Start ``work`` and show ``first``; False, and nothing is done, if a run is under way."""
        with self._changed:
            if self.running:
                return False
            turn = self._turn = RunContext(lambda words: self._say(turn, words))
            self.error, self.progress = None, Progress("running", first)
            self._changed.notify_all()
        self._painter = _thread(self._paint, turn)
        _thread(self._work, turn, work)
        return True

    def stop(self) -> bool:
        """End the run at once, what it has shown is kept; False if none is under way."""
        with self._changed:
            turn = self._turn
            if turn is None or not self.running:
                return False
            self._end(Progress("stopped", self.progress.value))
        turn.stop()
        return True

    def reset(self, shown: Value) -> None:
        """Stop what runs and show ``shown``, as if nothing had been run."""
        self.stop()
        with self._changed:
            self._turn, self.error, self.progress = None, None, Progress("ready", shown)
            self._changed.notify_all()
        with self._drawing:
            self._draw(self.progress)

    def wait(self, seconds: float | None = None) -> Progress[Value]:
        """The progress when the run has ended and is drawn. For programs, not for callbacks.

        Raises ``TimeoutError`` if that takes longer than ``seconds``.
        """
        left = float("inf") if seconds is None else seconds
        while self._painter is not None and self._painter.is_alive():
            if left <= 0:
                raise TimeoutError("The run goes on.")
            self._painter.join(MIN_FRAME)  # in pieces: a wait hears no Ctrl-C on Windows
            left -= MIN_FRAME
        return self.progress

    def result(self) -> Value:
        """For a cell: the value when the run has ended. Raises why it failed; Ctrl-C stops it."""
        try:
            value = self.wait().value
        except KeyboardInterrupt:
            self.stop()
            raise
        if self.error is not None:
            raise self.error
        return value

    def _work(self, turn: RunContext, work: Work[Value]) -> None:
        try:
            # Left early, the generator is closed, and with it what it has open.
            with closing(work(turn)) as values:
                for value in values:
                    if not self._keep(turn, Progress("running", value)):
                        return
            self._finish(turn, "finished")
        except BaseException as error:
            self._finish(turn, "failed", error)

    def _keep(self, turn: RunContext, progress: Progress[Value]) -> bool:
        with self._changed:
            mine = turn is self._turn and self.running
            if mine:
                self.progress = progress
                self._changed.notify_all()
        return mine

    def _say(self, turn: RunContext, words: str) -> None:
        with self._changed:
            self._keep(turn, replace(self.progress, words=words))

    def _finish(self, turn: RunContext, state: State, error: BaseException | None = None) -> None:
        with self._changed:
            if turn is self._turn and self.running:
                self.error = error
                words = error_text(error) if error else ""
                self._end(Progress(state, self.progress.value, words))
                turn.over.set()

    def _end(self, progress: Progress[Value]) -> None:
        try:
            self._ended(progress)
        except Exception as error:
            self.error, progress = error, replace(progress, state="failed", words=error_text(error))
        self.progress = progress
        self._changed.notify_all()

    def _paint(self, turn: RunContext) -> None:
        """Draw what is new until the run has ended, and that last."""
        drawn: Progress[Value] | None = None
        while drawn is None or drawn.state == "running":
            self._wait_for_news(turn, drawn)
            with self._drawing:
                if self._turn is not turn:
                    return
                drawn = self.progress
                try:
                    self._draw(drawn)
                except Exception as error:
                    self._give_up(turn, error)
                    return
            turn.over.wait(MIN_FRAME)

    def _wait_for_news(self, turn: RunContext, drawn: Progress[Value] | None) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.progress is not drawn or self._turn is not turn)

    def _give_up(self, turn: RunContext, error: BaseException) -> None:
        """A page that can't draw one state may still draw the words on why."""
        turn.stop()
        with self._changed:
            self._finish(turn, "failed", error)
            self.error = error
            self.progress = replace(self.progress, state="failed", words=error_text(error))
        with suppress(Exception):
            self._draw(self.progress)


def error_text(error: BaseException) -> str:
    """What happened and what to do, for people. Nothing of it is more than the error's own words.

    The text of an error that is not ours is left out: it may quote what it failed on, and so a key.
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
