"""An answer as a response: whole, or as the events of a stream."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.standin import verdicts
from tests.standin.answers import Answer
from tests.standin.calls import Json, digest
from tests.standin.shapes import CREATED
from tests.standin.streams import Event, event, paced
from tests.standin.tokens import pieces

STOPPED = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Finish reasons, and the reason that an incomplete response gives."""


class Response:
    """``answer`` as the response to the request ``body``."""

    def __init__(self, answer: Answer, body: Mapping[str, Any]) -> None:
        self.answer, self.body = answer, body
        self.choice = answer.choices[0]
        self.reason = STOPPED.get(self.choice.finish_reason)
        self.status = "incomplete" if self.reason else "completed"

    def ident(self, prefix: str, number: int = 0) -> str:
        """Return an id for the response (``resp``) or one of its items."""
        return f"{prefix}_{digest(self.answer.call.id, prefix, number)[:24]}"

    def whole(self) -> Json:
        """Return the response with its output."""
        return self.head(self.status) | {
            "completed_at": None if self.reason else CREATED,
            "content_filters": None if self.answer.follows_tool else self.verdicts(),
            "incomplete_details": {"reason": self.reason} if self.reason else None,
            "output": self.items(),
            "usage": self.usage(),
        }

    def head(self, status: str) -> Json:
        """Return a response without its output; it repeats most fields of the request."""
        body, reasoning = self.body, self.body.get("reasoning") or {}
        form = (body.get("text") or {}).get("format") or {"type": "text"}
        extra = {"description": None} if form["type"] == "json_schema" else {}
        tools = [
            {"description": None, "parameters": None, "strict": True} | one
            for one in body.get("tools") or ()
        ]
        effort = "medium" if self.answer.reasoning_tokens else None
        return {
            "id": self.ident("resp"),
            "object": "response",
            "created_at": CREATED,
            "status": status,
            "background": False,
            "completed_at": None,
            "content_filters": None,
            "error": None,
            "incomplete_details": None,
            "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"),
            "max_tool_calls": None,
            "metadata": body.get("metadata") or {},
            "model": self.answer.model,
            "output": [],
            "parallel_tool_calls": body.get("parallel_tool_calls", True),
            "previous_response_id": body.get("previous_response_id"),
            "reasoning": {
                "effort": reasoning.get("effort") or effort,
                "summary": reasoning.get("summary"),
            },
            "service_tier": "default",
            "store": body.get("store") is not False,
            "temperature": body.get("temperature", 1.0),
            "text": {"format": extra | form, "verbosity": "medium"},
            "tool_choice": body.get("tool_choice", "auto"),
            "tools": tools,
            "top_logprobs": 0,
            "top_p": body.get("top_p", 1.0),
            "truncation": "disabled",
            "usage": None,
            "user": body.get("user"),
        }

    def usage(self) -> Json:
        """Return the tokens of input and output."""
        answer = self.answer
        return {
            "input_tokens": answer.prompt_tokens,
            "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
            "output_tokens": answer.completion_tokens,
            "output_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
            "total_tokens": answer.prompt_tokens + answer.completion_tokens,
        }

    def verdicts(self) -> list[Json]:
        """Return the content filter's results of the input and of the output."""
        blocked = self.reason == "content_filter"
        caught = {"violence": verdicts.CAUGHT} if blocked else {}
        found = (("prompt", verdicts.PROMPT), ("completion", verdicts.ANSWER | caught))
        return [
            {
                "blocked": blocked and source == "completion",
                "source_type": source,
                "content_filter_raw": [],
                "content_filter_results": results,
                "content_filter_offsets": {
                    "start_offset": 0,
                    "end_offset": len(self.choice.text),
                    "check_offset": 0,
                },
            }
            for source, results in found
        ]

    # The items: the reasoning if there was any, the message if there is one, the calls.

    def items(self) -> list[Json]:
        """Return the output."""
        choice, items = self.choice, []
        if self.answer.reasoning_tokens:
            items.append(self.reasoning())
        if choice.text or not (choice.tool_calls or self.answer.reasoning_tokens):
            items.append(self.message(self.status, [text_part(choice.text)]))
        made = [call.arguments for call in choice.tool_calls]
        return items + [self.call(at, "completed", text) for at, text in enumerate(made)]

    def reasoning(self) -> Json:
        """Return the reasoning, of which nothing is shown."""
        return {"id": self.ident("rs"), "type": "reasoning", "summary": []}

    def message(self, status: str, content: list[Json]) -> Json:
        """Return the message."""
        head = {"id": self.ident("msg"), "type": "message", "status": status, "role": "assistant"}
        return head | {"content": content}

    def call(self, number: int, status: str, arguments: str) -> Json:
        """Return the tool call ``number``."""
        return {
            "id": self.ident("fc", number),
            "type": "function_call",
            "status": status,
            "arguments": arguments,
            "call_id": self.ident("call", number),
            "name": self.choice.tool_calls[number].name,
        }

    # The stream.

    def events(self) -> Iterator[Event]:
        """Return the events of a stream, with the waits before them."""
        sent = (
            (event({"type": kind, "sequence_number": number} | fields, kind), "delta" in fields)
            for number, (kind, fields) in enumerate(self.steps())
        )
        return paced(self.answer, sent)

    def steps(self) -> Iterator[tuple[str, Json]]:
        """Yield the type of each event, and what it brings."""
        for kind in ("created", "in_progress"):
            yield f"response.{kind}", {"response": self.head("in_progress")}
        for at, item in enumerate(self.items()):
            where = {"item_id": item["id"], "output_index": at}
            begun, steps = dict(item), iter(())
            if item["type"] == "message":
                steps, begun["content"] = self.text_steps(item, where), []
            elif item["type"] == "function_call":
                steps, begun["arguments"] = self.call_steps(item, where), ""
            if "status" in item:
                begun["status"] = "in_progress"
            yield "response.output_item.added", {"output_index": at, "item": begun}
            yield from steps
            yield "response.output_item.done", {"output_index": at, "item": item}
        yield f"response.{self.status}", {"response": self.whole()}

    def text_steps(self, item: Json, where: Json) -> Iterator[tuple[str, Json]]:
        """Yield the events of a message."""
        (part,) = item["content"]
        spot, logs = where | {"content_index": 0}, {"logprobs": []}
        yield "response.content_part.added", spot | {"part": text_part("")}
        yield from self.deltas("response.output_text.delta", spot | logs, part["text"])
        yield "response.output_text.done", spot | logs | {"text": part["text"]}
        yield "response.content_part.done", spot | {"part": part}

    def call_steps(self, item: Json, where: Json) -> Iterator[tuple[str, Json]]:
        """Yield the events of a call."""
        kind, text = "response.function_call_arguments", item["arguments"]
        yield from self.deltas(f"{kind}.delta", where, text)
        yield f"{kind}.done", where | {"arguments": text, "name": item["name"]}

    def deltas(self, kind: str, where: Json, text: str) -> Iterator[tuple[str, Json]]:
        """Yield the pieces of a text."""
        for piece in pieces(text):
            hidden = digest(self.answer.call.id, piece)[: 3 + len(piece) % 8]
            yield kind, where | {"delta": piece, "obfuscation": hidden}


def text_part(text: str) -> Json:
    """Return the text of a message."""
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
