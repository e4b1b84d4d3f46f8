"""The report of ``python -m helpers check`` as text, Markdown, JSON or a view; and two compared."""

from pathlib import Path
from typing import Any

from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, ValidationError
from tabulate import tabulate

from helpers.client.errors import ConfigurationError
from helpers.client.messages import JSON
from helpers.client.redaction import one_line
from helpers.commands.check_probes import Result
from helpers.views.view import Cell, View, stack, table

HEAD = ["row", "result", "seen by", "tokens"]
_GREEN, _GREY = "rgba(46, 160, 67, 0.3)", "rgba(128, 128, 128, 0.25)"  # on light and dark pages
_MARK = Markup('<span style="background: {}; padding: 1px 6px; border-radius: 4px">{}</span>')


class Call(BaseModel):
    """One call: the body that was sent, the status (null: no answer), and the JSON that came."""

    model_config = ConfigDict(extra="forbid")
    request: JSON
    status: int | None
    answer: Any


class Row(BaseModel):
    """One capability: its result, what the result was seen by, and the tokens that it took."""

    model_config = ConfigDict(extra="forbid")
    name: str
    result: Result
    seen: str
    tokens: int = 0
    calls: list[Call] = []


class Report(BaseModel):
    """What an endpoint can do. ``stopped`` says why rows are missing; empty if none is."""

    model_config = ConfigDict(extra="forbid")
    endpoint: str
    model: str | None
    measured: str
    stopped: str = ""
    rows: list[Row] = []

    @property
    def title(self) -> str:
        """The endpoint in one line."""
        return f"{self.model or 'the default model'}, {self.endpoint}, {self.measured}"

    @property
    def total(self) -> str:
        """What it took, and why rows are missing, in one line."""
        return f"{sum(row.tokens for row in self.rows):,} tokens in all. {self.stopped}".rstrip()


def as_table(report: Report, style: str = "simple") -> str:
    """Return the rows as a table in a style of tabulate: ``simple``, or ``github`` for Markdown."""
    shown, widths = [], [None, None, 60, None] if style == "simple" else None
    for row in report.rows:
        seen = one_line(row.seen, 160)
        if style == "github":
            seen = seen.replace("|", "\\|").replace("<", "&lt;")
        shown.append([row.name, row.result, seen, row.tokens])
    text = tabulate(shown, HEAD, style, maxcolwidths=widths, disable_numparse=True)
    return f"{text}\n\n{report.total}"


def as_markdown(report: Report) -> str:
    """Return the report as a page of Markdown."""
    text = as_table(report, "github")
    return f"# Capabilities of {report.title}\n\n{text}\n"


def as_view(report: Report) -> View:
    """Return the report for a notebook: what works is marked green, everything else grey."""
    rows = []
    for row in report.rows:
        color = _GREEN if row.result == "works" else _GREY
        mark = Cell(_MARK.format(color, row.result), row.result)
        rows.append([row.name, mark, one_line(row.seen, 160), row.tokens])
    return stack(report.title, table(HEAD, rows), report.total)


def read(path: Path | str) -> Report:
    """Return the report in a file. Raise ``ConfigurationError`` if there is none."""
    try:
        return Report.model_validate_json(Path(path).read_bytes())
    except (OSError, ValidationError) as reason:
        why = getattr(reason, "strerror", None) or "it is no report"
        raise ConfigurationError(
            f"{path} can't be read: {why}.", advice="name a file that `check --json` wrote."
        ) from None


def changes(before: Report, after: Report) -> str:
    """Return a table of the rows whose results differ; empty if there are none."""
    old, new = ({row.name: row for row in one.rows} for one in (before, after))
    shown = []
    for name in old | new:
        pair = [old.get(name), new.get(name)]
        results = [row.result if row else "not measured" for row in pair]
        if results[0] != results[1]:
            seen = " -> ".join(one_line(row.seen, 80) if row else "" for row in pair)
            shown.append([name, " -> ".join(results), seen])
    return tabulate(shown, HEAD[:3], maxcolwidths=[None, None, 60]) if shown else ""
