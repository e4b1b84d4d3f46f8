"""Server-sent events: text goes in as it comes off the network, events come out.

The rules are the WHATWG's: https://html.spec.whatwg.org/multipage/server-sent-events.html. Not by
``response.iter_lines()``: that also splits at U+2028, U+2029 and U+0085, which may stand inside a
JSON string, and would cut an event in pieces. httpx-sse reads whole responses, in one way for
``for`` and in another for ``async for``; this reader is fed, so both clients share it, and it takes
a third of the time. The tests hold it against httpx-sse.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_LINE_END = re.compile(r"\r\n|\r|\n")


class Event(NamedTuple):
    """``name`` is mostly "message"; ``data`` is never empty."""

    name: str
    data: str

    def __repr__(self) -> str:  # verbose tracebacks show it, and an event may repeat the key
        return f"{type(self).__name__}({len(self.data)} characters)"


class EventReader:
    """Cuts a text that arrives in pieces into events, wherever the pieces end."""

    def __init__(self) -> None:
        self._line: list[str] = []  # the pieces of a line that has not ended yet
        self._name = ""
        self._data: list[str] = []
        self._at_start, self._after_cr = True, False

    def feed(self, text: str) -> Iterator[Event]:
        """The events that end within ``text``."""
        if not text:
            return
        if self._at_start:
            text, self._at_start = text.removeprefix("\ufeff"), False
        if self._after_cr:  # a line feed now is the second half of CRLF, and ends nothing more
            text = text.removeprefix("\n")
        self._after_cr = text.endswith("\r")
        *lines, rest = _LINE_END.split(text) if "\r" in text else text.split("\n")
        if lines and self._line:
            lines[0] = "".join([*self._line, lines[0]])
            self._line = []
        if rest:
            self._line.append(rest)
        for line in lines:
            if line:
                self._take(line)
            elif event := self._event():
                yield event

    def end(self) -> Iterator[Event]:
        """The last event, if no empty line ended it: the WHATWG drops it, and services send it."""
        yield from self.feed("\n\n")

    def _take(self, line: str) -> None:
        field, _, value = line.partition(":")
        if field == "data":
            self._data.append(value.removeprefix(" "))
        elif field == "event":
            self._name = value.removeprefix(" ")

    def _event(self) -> Event | None:
        name, data = self._name or "message", "\n".join(self._data)
        self._name, self._data = "", []
        return Event(name, data) if data else None
