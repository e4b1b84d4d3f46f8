'''The scripted answers: data in ``scripts/<lesson>.toml``, and how one is found for a question.

A file is a list of scripts:

    [[script]]
    ask = "What is a token?"        # the text of the last user message (white space is folded)

    # Conditions, all optional. The script with the most conditions that hold wins; of equals the
    # first one (files in the order of their names).
    system = "pirate"               # is part of the system message
    after = "62 degrees"            # is part of another message: an earlier turn or a tool's answer
                                    # (a list: every one of them is)
    options = { seed = 7 }          # these fields of the request's body have these values; of a
                                    # table in it only the fields that are named must agree
    picture = "example.com/"        # the question has a picture whose URL holds this; "" is any

    # What is answered.
    answer = """..."""
    tool_calls = [{ name = "weather", arguments = { city = "Oslo" } }]
                                    # only where the request offers tools, and only while the
                                    # question is the last message, unless ``after`` is given.
    doubts = { " tea" = { " tea" = 0.6, " milk" = 0.3 } }
                                    # logprobs: the chance of a piece of the answer and of others in
                                    # its place, together below 1; of any other piece it is sure
    thoughts = """..."""            # what a model that reasons thinks first, where it shows that
    by = "model"                    # the model behind the stand-in answers (see ``upstream``); if
                                    # there is none, the ``answer`` beside it is given
    fault = "rate-limited"          # instead of the answer: `python -m tests.standin --faults`

    # How it is answered.
    by_gpt = true                   # on the models route too the answer has the shape that OpenAI's
                                    # models send: the content filter's results, calls in fragments
    first_ms = 300                  # until the first piece
    pace_ms = 30                    # between two pieces; an answer in one part takes as long
    cut_after = 5                   # a stream: the connection breaks after so many pieces
    filtered_after = 5              # so many pieces, then finish_reason "content_filter"
'''

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.standin.calls import Call, Json, fold, picture_urls

SCRIPTS = Path(__file__).parent / "scripts"
FIRST_MS, PACE_MS = 200.0, 20.0


@dataclass(frozen=True)
class ToolCall:
    """A tool call of a script; ``arguments`` is the JSON text that is sent."""

    name: str
    arguments: str


@dataclass(frozen=True)
class Script:
    """One script; its fields are described in the module's docstring."""

    ask: str
    system: str | None = None
    after: tuple[str, ...] = ()
    options: Json = field(default_factory=dict)
    picture: str | None = None
    answer: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    doubts: dict[str, dict[str, float]] = field(default_factory=dict)
    thoughts: str = ""
    by: str = "script"
    fault: str = ""
    by_gpt: bool = False
    first_ms: float = FIRST_MS
    pace_ms: float = PACE_MS
    cut_after: int | None = None
    filtered_after: int | None = None

    @property
    def conditions(self) -> int:
        """The number of conditions of the script."""
        single = (self.system is not None, self.picture is not None, bool(self.tool_calls))
        return sum(single) + len(self.after) + len(self.options)

    def fits(self, call: Call) -> bool:
        """Whether this script answers ``call``."""
        pictures = picture_urls(call.question)
        return (
            self.ask == call.ask
            and (self.system is None or self.system in call.system)
            and all(part in call.others for part in self.after)
            and holds(self.options, call.body)
            and (self.picture is None or any(self.picture in url for url in pictures))
            and (not self.tool_calls or bool(self.calls_for(call)))
        )

    def calls_for(self, call: Call) -> tuple[ToolCall, ...]:
        """Return the tool calls that the request allows."""
        ask_is_last = call.messages[-1] is call.question
        if not call.may_call or not (ask_is_last or self.after):
            return ()
        allowed = [made for made in self.tool_calls if call.named_tool in (None, made.name)]
        return tuple(allowed if call.body.get("parallel_tool_calls", True) else allowed[:1])


NONE = Script(ask="", by="model")
"""What is found for a question without a script."""


def holds(wanted: Any, given: Any) -> bool:
    """Return whether ``given`` equals ``wanted``, tables in the fields of ``wanted`` only."""
    if isinstance(wanted, dict):
        return isinstance(given, dict) and all(
            key in given and holds(value, given[key]) for key, value in wanted.items()
        )
    return bool(wanted == given)


def find(scripts: Iterable[Script], call: Call) -> Script:
    """Return the script with the most conditions that fits ``call``, or ``NONE``."""
    fitting = (script for script in scripts if script.fits(call))
    return max(fitting, key=lambda script: script.conditions, default=NONE)


def load(folder: Path = SCRIPTS) -> list[Script]:
    """Return all scripts of ``folder``. Raise ``TypeError`` if one has an unknown field."""
    files = [tomllib.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.toml"))]
    return [read(table) for file in files for table in file.get("script", ())]


def read(table: Json) -> Script:
    """Return the script in ``table``."""
    calls = [
        ToolCall(call["name"], json.dumps(call["arguments"], ensure_ascii=False))
        for call in table.get("tool_calls", ())
    ]
    after = table.get("after", ())
    values = {
        "ask": fold(table["ask"]),
        "answer": table.get("answer", "").strip("\n"),
        "after": (after,) if isinstance(after, str) else tuple(after),
        "tool_calls": tuple(calls),
    }
    return Script(**table | values)
