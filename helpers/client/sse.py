"""Parse server-sent events, by https://html.spec.whatwg.org/multipage/server-sent-events.html.

``response.iter_lines()`` would not do: it also splits at U+2028, U+2029 and U+0085, which may stand
inside a JSON string. This reader is fed with text, so both clients share it.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

MAX_IGNORED = 2_000
_LINE_END = re.compile(r"\r\n|\r|\n")


class Event(NamedTuple):
    """One event. ``name`` is "message" unless the service names it; ``data`` is never empty."""

    name: str
    data: str

    def __repr__(self) -> str:  # verbose tracebacks show it, and an event may hold the key
        return f"{type(self).__name__}({len(self.data)} characters)"


class EventReader:
    """Split a text that arrives in pieces into events."""

    def __init__(self) -> None:
        self._line: list[str] = []  # pieces of a line without its end
        self._name = ""
        self._data: list[str] = []
        self._at_start, self._after_cr = True, False
        self.ignored = ""  # lines of no event: perhaps an error that came without `data:`

    def feed(self, text: str) -> Iterator[Event]:
        """Yield the events that end within ``text``."""
        if not text:
            return
        if self._at_start:
            text, self._at_start = text.removeprefix("\ufeff"), False
        if self._after_cr:  # a line feed now is the second half of CRLF
            text = text.removeprefix("\n")
        self._after_cr = text.endswith("\r")
        *lines, rest = _LINE_END.split(text) if "\r" in text else text.split("\n")
        if lines and self._line:
            lines[0] = "".join([*self._line, lines[0]])
            self._line = []
        if rest:
            self._line.append(rest)
        for line in lines:
            field, _, value = line.partition(":")
            if not line:
                if data := "\n".join(self._data):
                    yield Event(self._name or "message", data)
                self._name, self._data = "", []
            elif field == "data":
                self._data.append(value.removeprefix(" "))
            elif field == "event":
                self._name = value.removeprefix(" ")
            elif field not in ("", "id", "retry") and len(self.ignored) < MAX_IGNORED:
                self.ignored += line[:MAX_IGNORED] + "\n"

    def end(self) -> Iterator[Event]:
        """Yield the last event if no empty line ended it, which the standard would drop."""
        yield from self.feed("\n\n")
