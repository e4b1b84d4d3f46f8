"""Every way in which the stand-in fails has a name in ``faults.toml``.

A script names a fault, or any client asks ``fault: NAME``; ``checks`` refuses wrong requests with
the same replies.
"""

import tomllib
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from string import Template
from time import time

from tests.standin.replies import RefusedError, Reply, as_bytes


@dataclass(frozen=True)
class Fault:
    """A way to fail; the fields are those of ``faults.toml``."""

    name: str
    about: str
    status: int = 200
    body: str | None = None
    type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    times: int | None = None
    values: dict[str, str] = field(default_factory=dict)

    @property
    def is_provoked(self) -> bool:
        """Whether a live deployment does not fail like this when it is asked the same.

        Who records a live deployment keeps such an answer of the stand-in (see ``record.py``).
        """
        passing = self.status in (408, 429) or self.status >= 500
        return passing or self.body is None or self.name.startswith("content-filter")

    def plays(self, asked: int) -> bool:
        """Return whether a request that came ``asked`` times before fails."""
        return self.times is None or asked % (self.times + 1) < self.times

    def reply(self, **values: str) -> Reply:
        """Return the reply of a fault that has a ``body``."""
        texts = WORDS | self.values | values
        if self.type == "application/json":  # the texts stand inside JSON strings
            texts = {name: as_bytes(text).decode()[1:-1] for name, text in texts.items()}
        body = Template(self.body or "").substitute(texts)
        soon = formatdate(time() + 2, usegmt=True)
        headers = {name: value.replace("$soon", soon) for name, value in self.headers.items()}
        raw = body.encode("utf-8", errors="backslashreplace")
        return Reply(self.status, raw, headers, self.type)


_TABLES = tomllib.loads(Path(__file__).with_name("faults.toml").read_text(encoding="utf-8"))
WORDS: dict[str, str] = _TABLES.pop("words")
FAULTS = {name: Fault(name, **fields) for name, fields in _TABLES.items()}


def refuse(name: str, /, **values: str) -> RefusedError:
    """Return the refusal that is the fault ``name``."""
    return RefusedError(FAULTS[name].reply(**values))
