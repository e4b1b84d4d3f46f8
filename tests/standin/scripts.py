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
    min_temperature = 1.0           # the request has a temperature, at least this one
    picture = "9f86d0"              # a picture of the question: the first digits of the SHA-256 of
                                    # its bytes, or for a picture on the web a part of its URL

    # What is answered.
    answer = """..."""              # or a list of answers, as a model varies: with a seed the same
                                    # one each time (seed modulo their number); else the next one
                                    # each time the same request comes. With n = 3 a request gets
                                    # the next three.
    tool_calls = [{ name = "weather", arguments = { city = "Oslo" } }]
                                    # only where the request offers tools, and only while the
                                    # question is the last message, unless ``after`` is given.
                                    # ``arguments`` may be a text: sent as it is, broken JSON too.
    doubts = { " tea" = { " tea" = 0.6, " milk" = 0.3 } }
                                    # logprobs: the chance of a piece of the answer and of others in
                                    # its place, together below 1; of any other piece it is sure
    thoughts = """..."""            # what a model that reasons thinks first, where it shows that
    by = "model"                    # the model behind the stand-in answers (see ``upstream``); if
                                    # there is none, the ``answer`` beside it is given
    fault = "rate-limited"          # instead of the answer: `python -m tests.standin --faults`
    faults = ["rate-limited", ""]   # one for each time the same request comes, "" is the answer;
                                    # the last one stays

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

from tests.standin.calls import Call, fold

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
    options: dict[str, Any] = field(default_factory=dict)
    min_temperature: float | None = None
    picture: str | None = None
    answer: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    doubts: dict[str, dict[str, float]] = field(default_factory=dict)
    thoughts: str = ""
    by: str = "script"
    faults: tuple[str, ...] = ()
    by_gpt: bool = False
    first_ms: float = FIRST_MS
    pace_ms: float = PACE_MS
    cut_after: int | None = None
    filtered_after: int | None = None

    @property
    def conditions(self) -> int:
        """The number of conditions of the script."""
        single = (self.system, self.min_temperature, self.picture)
        calls_tools = bool(self.tool_calls)
        given = sum(value is not None for value in single)
        return given + len(self.after) + len(self.options) + calls_tools

    def fits(self, call: Call) -> bool:
        """Whether this script answers ``call``."""
        temperature = call.body.get("temperature")
        return (
            self.ask == call.ask
            and (self.system is None or self.system in call.system)
            and all(part in call.others for part in self.after)
            and holds(self.options, call.body)
            and (
                self.min_temperature is None
                or (temperature is not None and temperature >= self.min_temperature)
            )
            and (self.picture is None or any(has(self.picture, name) for name in call.pictures))
            and (not self.tool_calls or bool(self.calls_for(call)))
        )

    def calls_for(self, call: Call) -> tuple[ToolCall, ...]:
        """Return the tool calls that the request allows."""
        if not call.may_call or not (call.ask_is_last or self.after):
            return ()
        allowed = [made for made in self.tool_calls if call.named_tool in (None, made.name)]
        return tuple(allowed if call.body.get("parallel_tool_calls", True) else allowed[:1])

    def fault(self, asked: int) -> str:
        """Return the fault of a request that came ``asked`` times before, or ""."""
        return self.faults[min(asked, len(self.faults) - 1)] if self.faults else ""


def has(wanted: str, name: str) -> bool:
    """Return whether ``wanted`` is the beginning of a digest or a part of a URL."""
    return wanted in name if "/" in name else name.startswith(wanted)


def holds(wanted: Any, given: Any) -> bool:
    """Return whether ``given`` equals ``wanted``, tables in the fields of ``wanted`` only."""
    if isinstance(wanted, dict):
        return isinstance(given, dict) and all(
            key in given and holds(value, given[key]) for key, value in wanted.items()
        )
    return bool(wanted == given)


def find(scripts: Iterable[Script], call: Call) -> Script | None:
    """Return the script with the most conditions that fits ``call``, or None."""
    return max(
        (script for script in scripts if script.fits(call)),
        key=lambda script: script.conditions,
        default=None,
    )


def load(folder: Path = SCRIPTS) -> list[Script]:
    """Return all scripts of ``folder``. Raise ``ValueError``, naming the file, for a bad one."""
    scripts = []
    for path in sorted(folder.glob("*.toml")):
        listed = tomllib.loads(path.read_text(encoding="utf-8")).get("script", [])
        for number, table in enumerate(listed, 1):
            try:
                scripts.append(read(table))
            except (TypeError, KeyError) as mistake:
                raise ValueError(f"{path.name}, script {number}: {mistake}") from mistake
    return scripts


def read(table: dict[str, Any]) -> Script:
    """Return the script in ``table``. Raise ``TypeError`` if it has an unknown field."""
    values = dict(table)
    if "fault" in values:
        values["faults"] = [values.pop("fault")]
    answer = values.get("answer", ())
    answers = (answer,) if isinstance(answer, str) else answer
    after = values.get("after", ())
    values["ask"] = fold(values["ask"])
    values["answer"] = tuple(text.strip("\n") for text in answers)
    values["after"] = (after,) if isinstance(after, str) else tuple(after)
    values["faults"] = tuple(values.get("faults", ()))
    values["tool_calls"] = tuple(map(read_tool_call, values.get("tool_calls", ())))
    return Script(**values)


def read_tool_call(table: dict[str, Any]) -> ToolCall:
    """Return the call in ``table``; arguments that are a text stay as they are."""
    arguments = table.get("arguments", {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return ToolCall(name=table["name"], arguments=text)
