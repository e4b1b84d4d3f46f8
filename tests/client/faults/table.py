"""The matrix as a page: ``tests/FAULTS.md``."""

import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from tabulate import tabulate

from tests.client.faults.clients import CLIENTS
from tests.client.faults.row import Outcome, Row, Verdict, judge
from tests.client.faults.rows import BY_NAME, ROWS, SECTIONS
from tests.client.faults.run import ENDLESS

PATH = Path(__file__).parents[2] / "FAULTS.md"
NAMES = tuple(client.name for client in CLIENTS)
FAMILIES = {client.name: client.family for client in CLIENTS}
SDKS = ("azure-ai-inference", "openai")
Cells = Mapping[tuple[str, str], str]
"""What stands in the table, by the names of row and client."""

TITLE = """\
# Who survives what

Made by `python -m tests.client.faults`; `pytest tests/client/test_faults.py` runs all of it again.

{count} faults that real services have, each over a real socket on this machine: a scripted server
does to the byte what the row says, or the [stand-in endpoint](standin) plays its fault of that
name. Every row goes through both clients of this project, `ChatCompletionsClient` ("ours") and
`AsyncChatCompletionsClient` ("ours, async"), and through the two SDKs that a reader may know. Of
these only the clients that wait were asked, not the asynchronous ones.
"""
LEGEND = """\
- **{RIGHT}**: text, finish reasons and tool calls are what the service sent.
- **{NAMED}**: an error of the client's own family, with the HTTP status where there was one; and of
  a stream that broke, all text that had come is still there.
- **{GAVE_UP}**: an error of its own family where the right answer had come or was to be had; or one
  that has lost the HTTP status.
- **{FOREIGN}**: an error from below, such as `JSONDecodeError`, that no `except` for the client's
  family catches. Where an SDK hands on what is no answer, the caller's `answer.choices` raises it.
- **{WRONG}**: no error, and an answer that is none, or half of one that passes for the whole (only
  a finish reason that is missing tells); or text that had come is lost.
- **{HANG}**: nothing had come of it after {seconds:g} seconds: an SDK that silently sleeps for the
  day that a service asks for.

All are asked as their documentation says, with the same time-outs, and without retries except in
the section "Not now" and where a row says so; how often and how long an SDK waits there is its own
affair. Callers of the SDKs are careful ones: they look before they take `choices[0]` or `delta`,
put the pieces of a stream together themselves, and what they have so far counts as kept. Of our
clients the tests ask more: the class of the error, its code, the service's words, `retry_after`,
`partial`, the waits and the number of requests.
"""


def cells(outcomes: Mapping[tuple[str, str], Outcome]) -> Cells:
    """The text of each cell."""
    return {
        (name, client): cell(BY_NAME[name], outcome, client)
        for (name, client), outcome in outcomes.items()
    }


def cell(row: Row, outcome: Outcome, client: str) -> str:
    """The verdict on an outcome, bold where it is a bad one, and the error's class."""
    verdict = judge(row, outcome, FAMILIES[client])
    said = verdict.value if verdict.is_good else f"**{verdict.value}**"
    return f"{said} `{type(outcome.error).__name__}`" if outcome.error else said


def verdict_in(text: str) -> Verdict:
    """The verdict that a cell tells."""
    return next(one for one in Verdict if text.removeprefix("**").startswith(one.value))


def installed() -> dict[str, str]:
    """The versions of the SDKs that are here."""
    return {name: version(name) for name in SDKS}


def page(cells: Cells, versions: Mapping[str, str]) -> str:
    """The whole page."""
    heads = [f"{name} {versions[name]}" if name in versions else name for name in NAMES]
    counts = [
        [one.value, *(sum(verdict_in(cells[row.name, n]) is one for row in ROWS) for n in NAMES)]
        for one in Verdict
    ]
    good = [sum(verdict_in(cells[row.name, n]).is_good for row in ROWS) for n in NAMES]
    counts.append(["**as it should be**", *(f"**{n} of {len(ROWS)}**" for n in good)])
    parts = [
        TITLE.format(count=len(ROWS)),
        markdown(["", *heads], counts),
        LEGEND.format(**{one.name: one.value for one in Verdict}, seconds=ENDLESS),
    ]
    for title, rows in SECTIONS.items():
        lines = [[r.name, r.does, *(cells[r.name, name] for name in NAMES)] for r in rows]
        parts += [f"## {title}\n", markdown(["fault", "what the service does", *heads], lines)]
    return "\n".join(parts)


def markdown(heads: list[str], lines: list[list[object]]) -> str:
    """A table in Markdown."""
    return tabulate(lines, heads, tablefmt="github", disable_numparse=True) + "\n"


def read(text: str) -> tuple[Cells, dict[str, str]]:
    """The cells and the versions that a page tells."""
    found = re.findall(rf"\| ({'|'.join(SDKS)}) ([^ |]+)", text)
    told = {}
    for line in text.splitlines():
        name, *rest = [part.strip() for part in line.strip("|").split(" | ")]
        if name in BY_NAME:
            told |= {(name, client): said for client, said in zip(NAMES, rest[1:], strict=True)}
    return told, dict(found)
