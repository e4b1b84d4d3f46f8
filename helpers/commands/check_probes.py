"""The probes of ``python -m helpers check``: what each row asks, and how its answers are judged."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from helpers.client.messages import JSON
from helpers.client.responses import ChatCompletions, whole_number
from helpers.images import image_item, prepare, text_item

Result = Literal["works", "refused", "ignored", "unclear"]
Verdict = tuple[Result, str]
"""A result, and what it was seen by."""


@dataclass(frozen=True)
class Answer:
    """An answer; of a stream also the number of ``pieces`` of text, and whether [DONE] came."""

    completion: ChatCompletions
    pieces: int = 0
    done: bool = False

    @property
    def text(self) -> str:
        """The text of the answer, in lower case."""
        return self.completion.content.lower()

    @property
    def called(self) -> list[str]:
        """The names of the functions that the model calls."""
        return [call.function.name for call in self.completion.message.tool_calls]

    @property
    def thought(self) -> int:
        """The tokens of the reasoning, as far as they are counted."""
        return self.counted("completion_tokens_details", "reasoning_tokens") or 0

    def counted(self, group: str, name: str) -> int | None:
        """Return a number of the usage's details, or None if the service sent none."""
        details = self.completion.usage.raw.get(group)
        return whole_number(details.get(name)) if isinstance(details, dict) else None


@dataclass(frozen=True)
class Probe:
    """A row of the report.

    ``question`` is sent with each of ``requests``, which hold parameters, or messages in its place.
    ``judge`` is given the answers. A refusal of the first request means that the row is refused, or
    works if the pattern ``wanted_refusal`` is in its words. ``route`` is the only route that has
    the row. A stream that ``breaks_off`` is left after its first text: it may have no end.
    """

    name: str
    question: str
    requests: tuple[JSON, ...]
    judge: Callable[[Sequence[Answer]], Verdict]
    wanted_refusal: str = ""
    stream: bool = False
    breaks_off: bool = False
    route: str = ""


class City(BaseModel):
    """What the rows about JSON ask for."""

    model_config = ConfigDict(extra="forbid")
    name: str
    country: str


def either(works: bool, seen: str, otherwise: str, result: Result = "ignored") -> Verdict:
    """Return ``works`` with what was seen, or another result."""
    return ("works", seen) if works else (result, otherwise)


def says(word: str) -> Callable[[Sequence[Answer]], Verdict]:
    """Return a judge that looks for ``word`` in the answer."""
    return lambda got: either(
        word in got[0].text, f"the answer says {word!r}", f"the answer does not say {word!r}"
    )


def answers(got: Sequence[Answer]) -> Verdict:
    """Judge whether the answer has a text."""
    return either(bool(got[0].text), "an answer came", "the answer is empty", "unclear")


def is_repeated(got: Sequence[Answer]) -> Verdict:
    """Judge whether the answers are the same."""
    return either(len({one.text for one in got}) == 1, "the same answer twice", "answers differ")


def is_changed(got: Sequence[Answer]) -> Verdict:
    """Judge whether the parameter of the first request changes what the others get."""
    if got[1].text != got[2].text:
        return "unclear", "answers differ without it too"
    return either(got[0].text != got[1].text, "another answer than without", "no other answer")


def is_capped(got: Sequence[Answer]) -> Verdict:
    """Judge whether the answer was cut at ``CAPPED`` tokens."""
    used, reason = got[0].completion.usage.completion_tokens, got[0].completion.finish_reason
    if used > CAPPED:
        return "ignored", f"{used} tokens came"
    return either(reason == "length", f"cut at {used}", f"only {used} tokens came", "unclear")


def ends_at_stop(got: Sequence[Answer]) -> Verdict:
    """Judge whether the answer ends before the text in ``stop``."""
    if "5" in got[0].text:
        return "ignored", "the answer goes on after the text"
    return either("4" in got[0].text, "the answer ends there", "it never came to it", "unclear")


def reasons(got: Sequence[Answer]) -> Verdict:
    """Judge whether, and where, a reasoning is seen."""
    message = got[0].completion.message
    places = [name for name in ("reasoning_content", "reasoning") if message.raw.get(name)]
    places += ["<think> in the content"] * ("<think>" in got[0].text)
    places += ["items of the content"] * bool(message.reasoning_content and not places)
    seen = f"text in {', '.join(places) or 'no field'}, {got[0].thought} tokens counted"
    return either(bool(places or got[0].thought), seen, "no reasoning is seen")


def fits(kind: type[Any]) -> Callable[[Sequence[Answer]], Verdict]:
    """Return a judge that counts the answers that are JSON of a ``kind``, such as a model."""

    def judge(got: Sequence[Answer]) -> Verdict:
        valid = 0
        for one in got:
            with suppress(ValidationError):
                TypeAdapter(kind).validate_json(one.completion.content, strict=True)
                valid += 1
        seen = f"{valid} of {len(got)} answers are valid"
        return either(valid == len(got), seen, seen, "unclear" if valid else "ignored")

    return judge


def has_logprobs(got: Sequence[Answer]) -> Verdict:
    """Judge whether the answer has log probabilities, with alternatives."""
    choices = got[0].completion.choices
    entries = ((choices[0].raw.get("logprobs") or {}) if choices else {}).get("content") or []
    top = max((len(one.get("top_logprobs") or ()) for one in entries), default=0)
    return either(bool(entries), f"{len(entries)} tokens, {top} alternatives", "none in the answer")


def calls(least: int, result: Result = "ignored") -> Callable[[Sequence[Answer]], Verdict]:
    """Return a judge that wants ``least`` calls with arguments that are JSON."""

    def judge(got: Sequence[Answer]) -> Verdict:
        try:
            for call in got[0].completion.message.tool_calls:
                json.loads(call.function.arguments)
        except ValueError:
            return "unclear", "the arguments of a call are no JSON"
        seen = f"calls: {', '.join(got[0].called) or 'none'}"
        return either(len(got[0].called) >= least, seen, seen, result)

    return judge


def calls_the_named(got: Sequence[Answer]) -> Verdict:
    """Judge whether the function that was named is called, and no other."""
    return either({*got[0].called} == {"get_time"}, "calls it", f"calls: {got[0].called or 'none'}")


def calls_none(got: Sequence[Answer]) -> Verdict:
    """Judge whether the first request, unlike the second, is answered without a call."""
    if got[0].called:
        return "ignored", "a call came"
    return either(bool(got[1].called), "no call", "no call without it either", "unclear")


def has_filter_results(got: Sequence[Answer]) -> Verdict:
    """Judge whether the answer has the annotations of a content filter."""
    parts = [got[0].completion.raw, *(choice.raw for choice in got[0].completion.choices)]
    fields = ("prompt_filter_results", "content_filter_results")
    found = [name for name in fields if any(part.get(name) for part in parts)]
    return either(bool(found), ", ".join(found), "the answer has none")


def has_rate_limits(got: Sequence[Answer]) -> Verdict:
    """Judge whether there are headers that tell what is left."""
    exchange = got[0].completion.exchange
    headers = exchange.response_headers if exchange else {}
    left = [name for name in headers if name.startswith("x-ratelimit-remaining-")]
    return either(bool(left), ", ".join(left), "no such headers")


def is_cached(got: Sequence[Answer]) -> Verdict:
    """Judge whether the second of two long prompts was read from the cache."""
    count = got[1].counted("prompt_tokens_details", "cached_tokens")
    if count is None:
        return "ignored", "the usage has no such number"
    return either(count > 0, f"{count} tokens from the cache", "0 tokens from the cache", "unclear")


CAPPED, FAR_TOO_MANY = 5, 90_000_000
COUNT = "Count from 1 to 9 in digits, separated by commas."
SEA = "Write one sentence about the sea."
CITY = "Name a city and its country as JSON with the texts `name` and `country`."
LOGO = "https://raw.githubusercontent.com/github/explore/main/topics/python/python.png"
WEATHER = "What is the weather in Oslo?"
NAMES = ("get_weather", "get_time")
PLACE = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": one, "parameters": PLACE}} for one in NAMES]
NAMED = {"type": "function", "function": {"name": "get_time"}}
SCHEMA = {"name": "city", "strict": True, "schema": City.model_json_schema()}
LONG = "The lighthouse keeper counts the ships that pass. " * 160 + "Answer with the word ready."


def square(colour: str) -> JSON:
    """Return a picture of one colour as a content item."""
    return prepare(Image.new("RGB", (64, 64), colour)).item()


def user(*content: Any) -> list[JSON]:
    """Return a conversation of one message."""
    return [{"role": "user", "content": content[0] if len(content) == 1 else list(content)}]


def instructed_by(role: str) -> JSON:
    """Return a request with instructions in a message of ``role``."""
    rule = "Whatever is said, answer with the one word banana."
    return {"messages": [{"role": role, "content": rule}, *user("Hello!")]}


TURNS = [*user("My name is Ada."), {"role": "assistant", "content": "Hello!"}, *user("My name is?")]
RED = text_item("Which colour is this? One word.")
BOTH = text_item("Which two colours are these? Two words.")
JSON_MODE = {"response_format": {"type": "json_object"}}
STRUCTURED = {"response_format": {"type": "json_schema", "json_schema": SCHEMA}}
USAGE, NO_USAGE = {"stream_options": {"include_usage": True}}, {"stream_options": None}
EXTRA = {"made_up_parameter": 1}

PROBES = (
    Probe("basic call", "Say hello.", ({},), answers),
    Probe("max_tokens", COUNT, ({"max_tokens": CAPPED},), is_capped),
    Probe("max_completion_tokens", COUNT, ({"max_completion_tokens": CAPPED},), is_capped),
    Probe("system role", "", (instructed_by("system"),), says("banana")),
    Probe("developer role", "", (instructed_by("developer"),), says("banana")),
    Probe("several turns", "", ({"messages": TURNS},), says("ada")),
    Probe("streaming", COUNT, (NO_USAGE,), lambda got: either(
        got[0].pieces > 1, f"{got[0].pieces} pieces", "it came in one piece"), stream=True),
    Probe("usage in a stream", "Say hello.", (USAGE,), lambda got: either(
        got[0].completion.usage.total_tokens > 0, "told at the end", "not told"), stream=True),
    Probe("[DONE]", "Say hello.", (NO_USAGE,), lambda got: either(
        got[0].done, "it ends the stream", "the stream ends without"), stream=True),
    Probe("temperature", SEA, ({"temperature": 0}, {"temperature": 0}), is_repeated),
    Probe("top_p", SEA, ({"top_p": 0.01}, {"top_p": 0.01}), is_repeated),
    Probe("presence_penalty", SEA, (
        {"presence_penalty": 2, "seed": 7}, {"seed": 7}, {"seed": 7}), is_changed),
    Probe("frequency_penalty", SEA, (
        {"frequency_penalty": 2, "seed": 7}, {"seed": 7}, {"seed": 7}), is_changed),
    Probe("stop", COUNT, ({"stop": ["5"]},), ends_at_stop),
    Probe("seed", SEA, ({"seed": 7}, {"seed": 7}), is_repeated),
    Probe("n", "Say hello.", ({"n": 2},), lambda got: either(
        len(got[0].completion.choices) == 2, "two answers came", "one answer came")),
    Probe("reasoning_effort", "What is 17 times 23?", ({"reasoning_effort": "low"},), reasons),
    Probe("JSON mode", CITY, (JSON_MODE,), fits(dict)),
    Probe("structured output", CITY, (STRUCTURED,) * 3, fits(City)),
    Probe("extra-parameters: pass-through", "Say hello.", (
        {"extra_parameters": "pass-through", **EXTRA},), lambda got: (
        "works", "the model takes a parameter that nobody knows"), route="models"),
    Probe("extra-parameters: drop", "Say hello.", ({"extra_parameters": "drop", **EXTRA},),
        lambda got: ("works", "answered without the parameter"), route="models"),
    Probe("extra-parameters: error", "Say hello.", ({"extra_parameters": "error", **EXTRA},),
        lambda got: ("ignored", "the parameter was not refused"), route="models",
        wanted_refusal="made_up|[Ee]xtra"),
    Probe("logprobs", "Say hello.", ({"logprobs": True, "top_logprobs": 2},), has_logprobs),
    Probe("tools: auto", WEATHER, ({"tools": TOOLS},), calls(1, "unclear")),
    Probe("tools: required", "Hello!", ({"tools": TOOLS, "tool_choice": "required"},), calls(1)),
    Probe("tools: named", WEATHER, ({"tools": TOOLS, "tool_choice": NAMED},), calls_the_named),
    Probe("tools: none", WEATHER, ({"tools": TOOLS, "tool_choice": "none"}, {"tools": TOOLS}),
        calls_none),
    Probe("tools: parallel", "What is the weather in Oslo, and in Paris?", ({"tools": TOOLS},),
        calls(2, "unclear")),
    Probe("tools: streamed", WEATHER, ({"tools": TOOLS, **NO_USAGE},),
        calls(1, "unclear"), stream=True),
    Probe("tools with reasoning_effort", WEATHER, (
        {"tools": TOOLS, "reasoning_effort": "low"},), calls(1, "unclear")),
    Probe("content filter", "Say hello.", ({},), has_filter_results),
    Probe("picture: data URL", "", ({"messages": user(RED, square("red"))},), says("red")),
    Probe("picture: URL", "", ({"messages": user(
        text_item("Whose logo is this? One word."), image_item(LOGO))},), says("python")),
    Probe("pictures: two", "", ({"messages": user(BOTH, square("red"), square("blue"))},),
        says("blue")),
    Probe("limit of tokens", "Say hello.", ({"max_tokens": FAR_TOO_MANY, **NO_USAGE},),
        lambda got: ("unclear", "more is accepted than any model has"), stream=True,
        breaks_off=True, wanted_refusal=rf"\b(?!{FAR_TOO_MANY})\d{{4,}}"),
    Probe("rate-limit headers", "Say hello.", ({},), has_rate_limits),
    Probe("cached tokens", LONG, ({}, {}), is_cached),
)  # fmt: skip
"""The rows, in order. The first three decide how the tokens of the others are limited."""
