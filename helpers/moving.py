"""What takes the place of each name of the retired SDK azure-ai-inference, from ``moving.toml``."""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

SDK = "azure.ai.inference"
NO_COUNTERPART = "(no counterpart)"


@dataclass(frozen=True)
class Row:
    """A row of the table: the comment at the top of ``moving.toml`` describes its fields."""

    old: list[str] = field(compare=False)
    helpers: str = ""
    openai: str = ""
    helpers_import: str = ""
    openai_import: str = ""
    note: str = ""

    def describe(self, *, is_async: bool = False) -> str:
        """Return what replaces a name, as text; the calls of an async client are awaited."""
        helpers, openai = (line or NO_COUNTERPART for line in (self.helpers, self.openai))
        text = f"  helpers: {helpers}\n  openai:  {openai}"
        text = re.sub(r"\n(?!  openai:)", "\n" + " " * 11, text)
        text = text.replace("= client.", "= await client.") if is_async else text
        return text + f"\n  note:    {self.note}" * bool(self.note)


@dataclass(frozen=True)
class Ended:
    """Something that ended: what, when (an ISO date), how that shows, and who says so, where."""

    what: str
    when: str
    how: str
    source: str
    url: str


_FILE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
ENDED = tuple(Ended(**facts) for facts in _FILE.pop("ended"))
PARTS = {part: tuple(Row(**row) for row in rows) for part, rows in _FILE.items()}
"""The rows by the part of the table in which they are: ``clients``, ``calls`` and so on."""
TABLE = {name: row for rows in PARTS.values() for row in rows for name in row.old}
"""The rows by each of their old names."""
