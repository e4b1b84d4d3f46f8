"""Everything that can be seen of a value, an error or a log, and whether a secret is in it.

Objects are looked at by ``repr``, ``str`` and their attributes, also those with an underscore;
errors are also pickled, copied and printed, with the locals of all frames, as verbose tracebacks
print them.
"""

import copy
import logging
import pickle
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any

import pytest
from IPython.core.ultratb import VerboseTB

from helpers import ChatError, UserMessage
from helpers.client.exchange import Exchange
from helpers.client.responses import ChatCompletions
from helpers.tools import Toolbox
from helpers.views import filter_results, heatmap, severity, table, trace, usage, wire
from tests.fakes import runs_of
from tests.sync_and_async import Awaited, AwaitedStream

TESTS = str(Path(__file__).parents[1])
KEPT = (ChatError, ChatCompletions, Exchange)
"""What goes into pickles, and so into caches and to other processes."""


class Seen(logging.Handler):
    """All that was shown. ``leaks`` are the lines with a run of a secret, and what showed them.

    As a handler of logs it takes what is logged.
    """

    def __init__(self, *secrets: str) -> None:
        super().__init__(logging.NOTSET)
        self.runs = {run for secret in secrets for run in runs_of(secret)}
        self.label, self.leaks = "", list[str]()
        self._lines, self._ways = set[str](), set[Any]()
        self._looking = threading.Lock()  # logs come from all threads

    def emit(self, record: logging.LogRecord) -> None:
        self.add(f"log of {record.name}", self.format(record))

    def add(self, what: str, *texts: str) -> None:
        """Look at ``texts``, at each line only once."""
        with self._looking:
            lines = {line for text in texts for line in text.split("\n")} - self._lines
            self._lines |= lines
        for line in lines:
            spots = (i for i in range(len(line) - 5) if line[i : i + 6] in self.runs)
            if (spot := next(spots, None)) is not None:
                self.leaks.append(f"{self.label}: {what}: {line[max(0, spot - 60) : spot + 9]}")

    def value(self, what: str, value: Any, depth: int = 1) -> None:
        """All of an object of ours, and of the objects of ours in it."""
        value = value._inner if isinstance(value, Awaited | AwaitedStream) else value
        self.add(what, repr(value), str(value), f"{value!r:}")
        for name, part in members(value):
            self.add(f"{what}.{name}", repr(part), str(part))
            if depth and name[0] != "_" and type(part).__module__.startswith("helpers"):
                self.value(f"{what}.{name}", part, depth - 1)
        if isinstance(value, KEPT):
            self.add(f"{what}, pickled", pickle.dumps(value).decode("latin-1"))
            twins = pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)
            self.add(f"{what}, copied", *map(repr, twins), *map(str, twins))

    def error(self, what: str, error: BaseException) -> None:
        """An error as it is printed, and all that a verbose traceback shows of its frames."""
        errors = chain(error)
        for one in errors:
            one.__traceback__ = without_tests(one.__traceback__)
            self.value(f"{what} {type(one).__name__}", one)
            for frame, line in traceback.walk_tb(one.__traceback__):
                for name, value in frame.f_locals.items():
                    where = f"{what} {type(one).__name__}, {frame.f_code.co_qualname}:{line}"
                    self.add(f"{where} {name}", *locals_of(value))
        trace = error.__traceback__
        self.add(f"{what}, printed", *traceback.format_exception(error))
        # Slow, and it says the same of the values: once for each way that an error came.
        way = (*map(type, errors), *((f.f_code, n) for f, n in traceback.walk_tb(trace)))
        if way not in self._ways:
            self._ways.add(way)
            verbose = VerboseTB(theme_name="nocolor").text(type(error), error, trace)
            self.add(f"{what}, by IPython", verbose)
            with suppress(AttributeError):  # a repr of another library's fails in Python 3.11
                captured = traceback.TracebackException(
                    type(error), error, trace, capture_locals=True, compact=True
                )
                self.add(f"{what}, captured", *captured.format())


def look_at(seen: Seen, completion: Any) -> None:
    """All that can be shown of a completion."""
    seen.value("completion", completion, 2)
    message, used = completion.message, {completion.model: completion.usage}
    views = [wire(completion), trace([message]), heatmap(completion), usage(used)]
    views += [severity(filter_results(completion)), table([str(message)], [[completion.content]])]
    for view in views:
        seen.add("view", view.html, view.plain)
    for call in message.tool_calls:
        seen.value("tool", TOOLS.answer(call))


def ask(seen: Seen, asked: Any, question: str) -> None:
    """Ask in all ways, and look at what comes."""
    for way in ("complete", "stream", "events")[: 3 if "stream" in question else 2]:
        seen.label = f"{question} ({way})"
        try:
            if way == "complete":
                look_at(seen, asked.complete([UserMessage(question)]))
                continue
            with asked.stream([UserMessage(question)]) as stream:
                seen.value("open stream", stream)
                if way == "events":
                    seen.add("event", *stream.events())
                for update in stream if way == "stream" else ():
                    seen.add("update", repr(update), update.content, *map(repr, update.choices))
            seen.value("stream", stream)
            seen.add("wire", wire(stream).html)
            look_at(seen, stream.completion)
        except ChatError as failure:
            seen.error(way, failure)
            seen.add("wire", wire(failure).html, severity(filter_results(failure)).html)
            if hasattr(failure, "partial"):
                look_at(seen, failure.partial)


def fails(seen: Seen, what: str, act: Callable[[], object], kind: type[ChatError]) -> None:
    """Look at how ``act`` fails, which is what it has to do."""
    seen.label = what
    with pytest.raises(kind) as failure:
        act()
    seen.error("raised", failure.value)


def echo(name: str) -> str:
    """Say it again."""
    return name


TOOLS = Toolbox(echo)


def members(value: Any) -> Iterator[tuple[str, Any]]:
    """The attributes of a value, without its methods."""
    for name in dir(value):
        with suppress(Exception):  # a property may raise; what it raises is looked at elsewhere
            if not name.startswith("_") and not callable(part := getattr(value, name)):
                yield name, part
    yield from getattr(value, "__dict__", {}).items()


def locals_of(value: Any) -> Iterator[str]:
    """A local variable as verbose tracebacks show it."""
    try:
        yield repr(value)
    except Exception as failure:  # of an object that is half made
        yield repr(failure)
    if isinstance(value, str | bytes):
        yield repr(value[:80])  # as rich shows a long one


def chain(error: BaseException | None) -> list[BaseException]:
    """An error and those that are printed before it."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found


def without_tests(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of the tests, who know the secret."""
    if trace is None:
        return None
    rest = without_tests(trace.tb_next)
    if trace.tb_frame.f_code.co_filename.startswith(TESTS):
        return rest
    return TracebackType(rest, trace.tb_frame, trace.tb_lasti, trace.tb_lineno)


def holders(act: Callable[[], object], secret: str) -> list[CodeType]:
    """The functions that hold ``secret`` in a local at some time in ``act``.

    Of all that runs in this thread, but for the tests.
    """
    found: list[CodeType] = []

    def look(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code in found or frame.f_code.co_filename.startswith(TESTS):
            return None
        if event == "line" and holds(frame, secret):
            found.append(frame.f_code)
        return look

    traced(act, look)
    return found


def interrupt(act: Callable[[], object], code: CodeType, secret: str) -> None:
    """Run ``act``, and interrupt it (Ctrl-C) as soon as ``code`` holds ``secret``."""

    def look(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code is not code:
            return None
        if event == "line" and holds(frame, secret):
            sys.settrace(None)
            raise KeyboardInterrupt
        return look

    traced(act, look)


def holds(frame: FrameType, secret: str) -> bool:
    """Whether ``secret`` stands in the ``repr`` of a local of ``frame``."""
    for value in frame.f_locals.values():
        # Not of everything: the repr of a pool of connections waits for a lock that is held.
        if isinstance(value, HOLDERS) or type(value).__module__.startswith("h11"):
            with suppress(Exception):  # of what is half made
                if secret in repr(value):
                    return True
    return False


HOLDERS = (str, bytes, bytearray, list, tuple, dict, set, frozenset)


def traced(act: Callable[[], object], look: Any) -> None:
    """Run ``act`` with ``look`` told of what runs."""
    before = sys.gettrace()
    sys.settrace(look)
    try:
        act()
    finally:
        sys.settrace(before)
