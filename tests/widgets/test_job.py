"""A job shows how far it is, stops at once whatever it waits for, and loses no error.

No test measures time: what a run waits for here never comes, or comes only after the run was seen
to be over.
"""

import socket
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

from helpers.widgets import job as jobs
from helpers.widgets.ask_panel import StreamedAnswer, stream_answer, whole_answer
from helpers.widgets.job import Job, Run, Snapshot
from tests.fakes import ASK, KEY, client, leaked, piece
from tests.widgets.panels import LONG, end_of


class Page:
    """Notes what is drawn, as a widget would show it."""

    def __init__(self, first: Any = 0, ended: Callable[[Any], None] = lambda _: None) -> None:
        self.drawn: list[Snapshot[Any]] = []
        self.job: Job[Any] = Job(first, lambda snapshot, _: self.drawn.append(snapshot), ended)


def counting(*values: Any) -> Callable[[Run[Any]], Generator[Any]]:
    """A task that yields ``values``; an exception among them is raised when its turn comes."""

    def task(run: Run[Any]) -> Iterator[Any]:
        for value in values:
            if isinstance(value, BaseException):
                raise value
            yield value

    return task  # type: ignore[return-value]


class Blocked:
    """A task that yields 1 and then waits until it is let go; a stop does not wake it."""

    def __init__(self) -> None:
        self.waits, self.go, self.left = threading.Event(), threading.Event(), threading.Event()
        self.went_on = False

    def __call__(self, run: Run[Any]) -> Generator[int]:
        try:
            yield 1
            self.waits.set()
            assert self.go.wait(LONG)
            yield 2
            self.went_on = True
        finally:
            self.left.set()


def test_many_values_are_drawn_seldom_and_the_last_always(monkeypatch: pytest.MonkeyPatch) -> None:
    def task(run: Run[Any]) -> Generator[int]:
        for value in range(1, 51):
            yield value
            run.sleep(0.001)  # so that the other thread could draw it

    monkeypatch.setattr(jobs, "MIN_FRAME", LONG)
    page = Page()
    page.job.start(task)
    assert end_of(page.job) == page.drawn[-1] == Snapshot("finished", 50)
    assert len(page.drawn) <= 2


def test_a_stop_counts_while_the_work_is_still_waiting() -> None:
    page, work = Page(), Blocked()
    page.job.start(work)
    assert work.waits.wait(LONG)
    page.job.stop()
    assert page.job.snapshot == Snapshot("stopped", 1)
    assert end_of(page.job) == page.drawn[-1] == Snapshot("stopped", 1)
    assert not work.go.is_set()
    work.go.set()
    assert work.left.wait(LONG), "what the task has open is not closed"
    assert not work.went_on
    assert page.job.snapshot == page.drawn[-1] == Snapshot("stopped", 1)
    assert page.job.snapshot.error is None


def test_a_stopped_run_makes_room_at_once_and_is_drawn_no_more() -> None:
    page, work = Page(), Blocked()
    page.job.start(work)
    assert work.waits.wait(LONG)
    stopped = page.job._run
    page.job.stop()
    assert page.job.start(counting("next"))
    assert end_of(page.job) == Snapshot("finished", "next")
    page.job._paint(stopped)  # late
    assert page.drawn[-1] == Snapshot("finished", "next")
    work.go.set()


def test_a_reset_stops_and_shows_what_it_is_given() -> None:
    page, work = Page(), Blocked()
    page.job.start(work)
    assert work.waits.wait(LONG)
    page.job.reset("fresh")
    work.go.set()
    assert work.left.wait(LONG) and not work.went_on
    assert page.job.snapshot == page.drawn[-1] == Snapshot("ready", "fresh")


@pytest.mark.parametrize("error", [ValueError(KEY), SystemExit(KEY)], ids=lambda error: type(error))
def test_no_error_is_lost_and_none_shows_what_it_quotes(error: BaseException) -> None:
    page = Page()
    page.job.start(counting("some", error))
    end = end_of(page.job)
    assert (end.state, end.value) == ("failed", "some")
    assert type(error).__name__ in end.words
    assert page.job.snapshot.error is error
    assert leaked(end, page.drawn) == []


def test_an_error_at_the_end_or_in_a_drawing_is_shown() -> None:
    def fail(snapshot: Snapshot[Any]) -> None:
        if snapshot.state != "failed":
            raise LookupError

    page = Page(ended=fail)
    page.job.start(counting("a"))
    assert "LookupError" in end_of(page.job).words
    assert page.drawn[-1].state == "failed"

    work, drawn = Blocked(), list[Any]()
    page.job = Job(0, lambda snapshot, _: (fail(snapshot), drawn.append(snapshot))[1])
    page.job.start(work)
    assert "LookupError" in end_of(page.job).words
    assert isinstance(page.job.snapshot.error, LookupError)
    assert [snapshot.state for snapshot in drawn] == ["failed"]
    work.go.set()
    assert work.left.wait(LONG)


class Silent:
    """A server that notes a hang-up; until then it sends ``start`` and nothing else."""

    def __init__(self, start: bytes) -> None:
        self.start = start
        self.sent, self.left = threading.Event(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/models"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        line, _ = self.listener.accept()
        with line:
            asked = b""
            while b'"messages"' not in asked:
                asked += line.recv(65536)
            line.sendall(self.start)
            self.sent.set()
            line.settimeout(LONG)
            if line.recv(1) == b"":
                self.left.set()


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"


@pytest.mark.parametrize(
    ("ask", "start"),
    [(stream_answer, HEAD + piece("Once").encode()), (stream_answer, b""), (whole_answer, b"")],
    ids=["within a stream", "before a stream", "not streamed"],
)
def test_a_stop_hangs_up_on_a_service_that_has_fallen_silent(
    ask: Callable[..., Any], start: bytes
) -> None:
    server, page, arrived = Silent(start), Page(StreamedAnswer()), threading.Event()
    asked = client(endpoint=server.url, credential=None, transport=None, timeout=3600.0)

    def task(run: Run[Any]) -> Generator[Any]:
        for value in ask(asked, run, ASK):
            yield value
            arrived.set()

    page.job.start(task)
    assert (arrived if start else server.sent).wait(LONG)
    page.job.stop()
    assert end_of(page.job).state == "stopped"
    assert server.left.wait(LONG), "the service would go on writing"
    server.listener.close()
