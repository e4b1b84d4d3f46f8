"""Scan all that can be seen of a value, an error or a log for a secret.

Of an answer, which is as the service sent it, scan the exchange only.
"""

import logging
import pickle
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from helpers.client.responses import ChatCompletions
from tests.fakes import unescaped
from tests.sync_and_async import Awaited

TESTS = str(Path(__file__).parents[1])


class Seen(logging.Handler):
    """A scanner for ``secrets``; ``leaks`` are the lines that hold one, and where it was."""

    def __init__(self, *secrets: str) -> None:
        super().__init__(logging.NOTSET)
        self.secrets, self.label = secrets, ""
        self.leaks, self.loggers, self._lines = list[str](), set[str](), set[str]()
        self._looking = threading.Lock()  # logs come from all threads

    def emit(self, record: logging.LogRecord) -> None:
        self.loggers.add(record.name.partition(".")[0])
        self.add(f"log of {record.name}", self.format(record))

    def add(self, what: str, *texts: str) -> None:
        """Scan ``texts``, each line only once."""
        with self._looking:
            lines = {line for text in texts for line in text.split("\n")} - self._lines
            self._lines |= lines
        for line in lines:
            plain = unescaped(line)
            if any(secret in line or secret in plain for secret in self.secrets):
                self.leaks.append(f"{self.label}: {what}: {line[:200]}")

    def value(self, what: str, value: Any, depth: int = 1) -> None:
        """Scan an object, and the objects of this package in it."""
        value = value.inner if isinstance(value, Awaited) else value
        value = value.exchange if isinstance(value, ChatCompletions) else value
        self.add(what, repr(value), str(value))
        for name, part in members(value):
            if depth and name[0] != "_" and type(part).__module__.startswith("helpers"):
                self.value(f"{what}.{name}", part, depth - 1)
            elif not isinstance(part, ChatCompletions):
                self.add(f"{what}.{name}", repr(part), str(part))

    def error(self, what: str, error: BaseException, *, is_answer: bool = False) -> None:
        """Scan an error, and all that it came from; unless an answer broke off, also the locals of
        their frames. Some tools pickle or send what an error came from, hidden or not.
        """
        errors = chain(error)
        for one in errors:
            one.__traceback__ = without_tests(one.__traceback__)
            self.value(f"{what} {type(one).__name__}", one)
            if any(isinstance(part, httpx.Request) for part in vars(one).values()):
                self.leaks.append(f"{self.label}: {what} {type(one).__name__} holds the request")
        self.add(f"{what}, printed", *traceback.format_exception(error))
        if is_answer:
            return
        self.add(f"{what}, pickled", pickle.dumps(error).decode("latin-1"))
        for one in errors:
            for frame, line in traceback.walk_tb(one.__traceback__):
                for name, value in frame.f_locals.items():
                    where = f"{what} {type(one).__name__}, {frame.f_code.co_qualname}:{line}"
                    with suppress(AttributeError):  # the repr of an object that is half made
                        self.add(f"{where} {name}", repr(value))
                    if isinstance(value, str | bytes):
                        self.add(f"{where} {name}", repr(value[:5_000]))  # rich cuts a long one


def members(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of a value without its methods."""
    for name in dir(value):
        with suppress(Exception):  # a property may raise; what it raises is looked at elsewhere
            if not name.startswith("_") and not callable(part := getattr(value, name)):
                yield name, part
    yield from getattr(value, "__dict__", {}).items()


def chain(error: BaseException | None) -> list[BaseException]:
    """Return an error and those that it came from, also where ``from None`` hides them."""
    if error is None:
        return []
    return [error, *chain(error.__cause__), *chain(error.__context__)]


def without_tests(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback without the frames of the tests, which hold the secret."""
    if trace is None:
        return None
    rest = without_tests(trace.tb_next)
    if trace.tb_frame.f_code.co_filename.startswith(TESTS):
        return rest
    return TracebackType(rest, trace.tb_frame, trace.tb_lasti, trace.tb_lineno)
