"""Wrong answers to the exercises: for most cases of a lesson there is one that only it refuses."""

import json
from collections.abc import Callable
from math import exp
from typing import Any

from helpers import ContentFilterError, SystemMessage, ToolMessage, UserMessage
from helpers.images import prepare, text_item
from helpers.solutions import to_responses
from helpers.views import filter_results

Answer = Callable[..., Any]


def two_answers(
    client: Any,
    system: Any = (),
    before: Any = lambda question, message: [question, message],
    caps: Any = (None, 12),
    mark: Any = lambda reason: " …" if reason == "length" else "",
) -> list[str]:
    """Be right, but for what is given: so in each function below."""
    question = UserMessage("Which alphabet has the most letters?")
    first = client.complete([*system, question], max_tokens=caps[0])
    follow_up = UserMessage("And which has the fewest?")
    conversation = [*system, *before(question, first.message), follow_up]
    second = client.complete(conversation, max_tokens=caps[1])
    return [one.content + mark(one.finish_reason) for one in (first, second)]


def sentences(
    client: Any,
    cap: Any = 30,
    strip: Any = str.strip,
    counted: Any = bool,
    pair: Any = lambda text, count: (text, count),
    is_last_kept: bool = True,
    is_count_kept: bool = True,
) -> list[Any]:
    found, text, count = [], "", 0
    with client.stream([UserMessage("What is a dictionary for?")], max_tokens=cap) as stream:
        for update in stream:
            text, count = text + update.content, count + counted(update.content)
            if text.endswith("."):
                found.append(pair(strip(text), count))
                text, count = "", count if is_count_kept else 0
    return [*found, pair(strip(text), count)] if text and is_last_kept else found


def close_calls(
    client: Any,
    top: int = 2,
    is_close: Any = lambda own, other: other >= own / 2,
    pair: Any = lambda entry, other: (entry["token"], other["token"]),
) -> list[Any]:
    question = [UserMessage("What goes well with toast?")]
    completion = client.complete(question, logprobs=True, top_logprobs=top)
    return [
        pair(entry, other)
        for entry in completion.choices[0].raw["logprobs"]["content"]
        for other in entry["top_logprobs"]
        if other["token"] != entry["token"] and is_close(*map(probability, (entry, other)))
    ]


def probability(entry: Any) -> float:
    return exp(entry["logprob"])


def refused(call: Any) -> ToolMessage:
    return ToolMessage("The person said no.", tool_call_id=call.id)


def ask_first(
    client: Any,
    tools: Any,
    answer: Any = lambda call, tools: (
        [tools.answer(call) if call.function.name == "next_train" else refused(call)]
    ),
    has_message: bool = True,
    order: Any = list,
    is_offered: bool = True,
    **options: Any,
) -> Any:
    question = UserMessage("Find a train and a flight from Oslo to Rome.")
    asking = client.complete([question], tools=tools.definitions)
    answers = [one for call in asking.message.tool_calls for one in answer(call, tools)]
    messages = [question, *[asking.message] * has_message, *order(answers)]
    if is_offered:
        options["tools"] = tools.definitions
    return client.complete(messages, **options).content


def filtered_categories(
    client: Any,
    sentences: Any,
    names: Any = lambda found: sorted({name for one in found.values() for name in filtered(one)}),
    refusal: Any = lambda failure: failure,
    system: Any = (),
) -> Any:
    found = {}
    for sentence in sentences:
        try:
            outcome = client.complete([*system, UserMessage(sentence)])
        except ContentFilterError as failure:
            outcome = refusal(failure)
        if outcome is not None:
            found[sentence] = names(filter_results(outcome))
    return found


def filtered(place: Any) -> list[str]:
    return [name for name, verdict in place.items() if verdict.filtered]


def saved_by_low(
    client: Any, path: Any, size: int = 512, details: Any = ("high", "low"), saved: Any = None
) -> Any:
    picture, question = prepare(path, size), text_item("Is the lamp of this lighthouse lit?")
    asked = [UserMessage([question, picture.item(detail)]) for detail in details]
    high, low = (client.complete([message]).usage.prompt_tokens for message in asked)
    return saved(high, low) if saved else high - low


def raising(failure: Exception) -> Any:
    raise failure


def loads(completion: Any, kind: type = dict) -> Any:
    try:
        data = json.loads(completion.content)
    except ValueError:
        return None
    return data if isinstance(data, kind) else None


def asking(ask: Any, *budgets: int, none: Any = None, reasons: Any = ("length",)) -> Any:
    for budget in budgets:
        completion = ask(budget)
        if completion.content or completion.finish_reason not in reasons:
            return completion.content
    return none


def renamed(body: Any, **names: str) -> Any:
    return {names.get(name, name): value for name, value in body.items()}


NEW_NAMES = {"messages": "input", "max_tokens": "max_output_tokens"}
NEWER_NAMES = {**NEW_NAMES, "max_completion_tokens": "max_output_tokens"}


WRONG: dict[str, dict[str, Answer]] = {
    "00-start-here": {
        "anywhere": lambda e: "models" if "models" in e else "v1" if "/openai/v1" in e else None,
        "no slash at the end": lambda e: (
            "models" if e.endswith("/models") else "v1" if e.endswith("/v1") else None
        ),
        "models or not": lambda e: "models" if e.rstrip("/").endswith("/models") else "v1",
    },
    "01-basic-call": {
        "no memory": lambda c: two_answers(c, before=lambda question, message: []),
        "not the model's message": lambda c: two_answers(c, before=lambda q, message: [q]),
        "no cap": lambda c: two_answers(c, caps=(None, None)),
        "a cap for both": lambda c: two_answers(c, caps=(12, 12)),
        "a system message": lambda c: two_answers(c, system=[SystemMessage("Be brief.")]),
        "no mark": lambda c: two_answers(c, mark=lambda reason: ""),
        "a mark for both": lambda c: two_answers(c, mark=lambda reason: " …"),
        "the other one marked": lambda c: two_answers(
            c, mark=lambda reason: " …" if reason == "stop" else ""
        ),
    },
    "02-streaming": {
        "no cap": lambda c: sentences(c, cap=None),
        "with white space": lambda c: sentences(c, strip=str),
        "all updates": lambda c: sentences(c, counted=lambda text: 1),
        "the pieces of each sentence": lambda c: sentences(c, is_count_kept=False),
        "without the rest": lambda c: sentences(c, is_last_kept=False),
        "the sentences alone": lambda c: sentences(c, pair=lambda text, count: text),
        "lists": lambda c: sentences(c, pair=lambda text, count: [text, count]),
    },
    "03-parameters": {
        "as they are": lambda options: options,
        "only from above": lambda options: {
            name: min(value, 1) if name in ("temperature", "top_p") else value
            for name, value in options.items()
        },
        "no thought of None": lambda options: {
            name: min(max(value, 0), 1) if name == "temperature" else value
            for name, value in options.items()
        },
    },
    "04-json-mode": {
        "json.loads alone": lambda completion: json.loads(completion.content),
        "cut or not": loads,
        "any JSON": lambda c: loads(c, object) if c.finish_reason == "stop" else None,
        "{} for none": lambda completion: loads(completion) or {},
    },
    "05-extra-parameters": {
        "more alternatives": lambda c: close_calls(c, top=3),
        "every token": lambda c: close_calls(c, is_close=lambda own, other: True),
        "a quarter": lambda c: close_calls(c, is_close=lambda own, other: other >= own / 4),
        "over 0.4": lambda c: close_calls(c, is_close=lambda own, other: other > 0.37),
        "the other first": lambda c: close_calls(
            c, pair=lambda entry, other: (other["token"], entry["token"])
        ),
        "the token alone": lambda c: close_calls(c, pair=lambda entry, other: entry["token"]),
    },
    "06-tools": {
        "all allowed": lambda c, tools: ask_first(c, tools, lambda call, t: [t.answer(call)]),
        "nothing allowed": lambda c, tools: ask_first(c, tools, lambda call, t: [refused(call)]),
        "no answer for what is refused": lambda c, tools: ask_first(
            c, tools, lambda call, t: [t.answer(call)] * (call.function.name == "next_train")
        ),
        "without the model's message": lambda c, tools: ask_first(c, tools, has_message=False),
        "in another order": lambda c, tools: ask_first(c, tools, order=lambda all: all[::-1]),
        "without definitions": lambda c, tools: ask_first(c, tools, is_offered=False),
        "another choice": lambda c, tools: ask_first(c, tools, tool_choice="none"),
    },
    "07-content-safety": {
        "refusals are raised": lambda c, s: filtered_categories(c, s, refusal=raising),
        "refusals are left out": lambda c, s: filtered_categories(c, s, refusal=lambda f: None),
        "only of the prompt": lambda c, s: filtered_categories(
            c, s, lambda found: filtered(found.get("prompt", {}))
        ),
        "only of the answer": lambda c, s: filtered_categories(
            c, s, lambda found: filtered(found.get("answer", {}))
        ),
        "every category": lambda c, s: filtered_categories(
            c, s, lambda found: sorted({name for one in found.values() for name in one})
        ),
        "the places": lambda c, s: filtered_categories(c, s, sorted),
        "with a system message": lambda c, s: filtered_categories(
            c, s, system=[SystemMessage("Be brief.")]
        ),
        "the lists alone": lambda c, s: list(filtered_categories(c, s).values()),
    },
    "08-images": {
        "as large as it is": lambda c, path: saved_by_low(c, path, size=1024),
        "low first": lambda c, path: saved_by_low(c, path, details=("low", "high")),
        "no detail": lambda c, path: saved_by_low(c, path, details=(None, "low")),
        "what low costs": lambda c, path: saved_by_low(c, path, saved=lambda high, low: low),
        "below zero": lambda c, path: saved_by_low(c, path, saved=lambda high, low: low - high),
        "a part": lambda c, path: saved_by_low(c, path, saved=lambda high, low: low / high),
    },
    "09-moving-to-v1": {
        "only the messages": lambda body: renamed(body, messages="input"),
        "only the older limit": lambda body: (
            renamed(to_responses(body), **NEW_NAMES)
            if "max_completion_tokens" not in body
            else renamed(body, **NEW_NAMES)
        ),
        "only the newer limit": lambda body: (
            renamed(body, messages="input") if "max_tokens" in body else to_responses(body)
        ),
        "tools as they were": lambda body: renamed(body, **NEWER_NAMES),
        "the tool's function alone": lambda body: {
            **to_responses(body),
            **({"tools": [tool["function"] for tool in body["tools"]]} if "tools" in body else {}),
        },
        "nothing but the known": lambda body: {
            name: value for name, value in to_responses(body).items() if name != "temperature"
        },
        "the text of the question": lambda body: {
            **to_responses(body),
            "input": body["messages"][0]["content"],
        },
    },
    "10-reasoning-models": {
        "once": lambda ask: asking(ask, 100),
        "more at once": lambda ask: asking(ask, 1600),
        "one time too few": lambda ask: asking(ask, 100, 200, 400, 800),
        "an empty text for none": lambda ask: asking(ask, 100, 200, 400, 800, 1600, none=""),
        "whatever the reason": lambda ask: asking(
            ask, 100, 200, 400, 800, 1600, reasons=("length", "content_filter")
        ),
        "until it is whole": lambda ask: next(
            (c.content or "" if c.content or c.finish_reason != "length" else None)
            for budget in (100, 200, 400, 800, 1600)
            if (c := ask(budget)).finish_reason != "length" or budget == 1600
        ),
    },
}
"""Wrong answers, by what is wrong with them."""
