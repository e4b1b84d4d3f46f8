"""Python functions as tools: their definitions, checked calls, and a loop with a limit.

Nothing that a model writes is trusted: a tool is looked up by name among those registered, and
pydantic checks the arguments against the function's signature before the function runs.
"""

import functools
import inspect
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import from_json, to_json

from helpers.client.client import ChatCompletionsClient
from helpers.client.errors import BadParameterError, ChatError, ConfigurationError
from helpers.client.messages import JSON, ToolMessage
from helpers.client.redaction import one_line
from helpers.client.responses import (
    ChatCompletions,
    ChatCompletionsToolCall,
    ChatResponseMessage,
)
from helpers.client.validation import check_messages
from helpers.client.validation import to_json as to_body

MAX_CALLS = 50
"""Calls in one answer that ``run_tools`` makes; for an answer with more it makes none."""

_MAX_FAULTS = 5
_shorten = functools.partial(one_line, limit=150)
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""The names that services accept for a tool."""


class ToolError(ChatError):
    """A tool call failed."""

    summary = "The tool call failed."
    advice = "tell the model (`Toolbox.answer` does), so that it can try another way."


class UnknownToolError(ToolError):
    """The model named a tool that does not exist."""


class ToolArgumentsError(ToolError):
    """The arguments are not a JSON object, or do not fit the function's signature."""


class ToolFailedError(ToolError):
    """The function raised: see ``__cause__``."""


class ToolLoopError(ToolError):
    """The model called tools too often. ``messages`` is the conversation up to that point."""

    advice = (
        "look at `.messages` for what it repeats; allow more rounds only if they lead somewhere."
    )

    def __init__(self, message: str, messages: list[Any]) -> None:
        super().__init__(message)
        self.messages = messages


class Toolbox:
    """The functions that a model may call.

    Each function needs a docstring and a type for every parameter: they become its definition.
    Describe a parameter with ``Annotated[str, pydantic.Field(description="...")]``.

    Raises ``ConfigurationError`` for a function that can't be a tool.
    """

    def __init__(self, *functions: Callable[..., Any]) -> None:
        self._tools: dict[str, tuple[Callable[..., Any], TypeAdapter[Any]]] = {}
        self.definitions: list[JSON] = []
        """The definitions of all tools, for ``tools=`` of a request."""
        for function in functions:
            name = getattr(function, "__name__", "")
            try:
                faults = [*_faults(name, function)]
                if name in self._tools:
                    faults.append("another tool has its name")
                if faults:
                    raise _unfit(name, "; ".join(faults))
                arguments = _arguments_of(function)
                schema = arguments.json_schema(schema_generator=_NoTitles)
            # TypeError, ValueError: no function of Python; NameError: an unknown type.
            except (PydanticUserError, TypeError, ValueError, NameError) as reason:
                raise _unfit(name, _shorten(str(reason))) from reason
            described = {"name": name, "description": inspect.getdoc(function)}
            definition = {"type": "function", "function": {**described, "parameters": schema}}
            self._tools[name] = function, arguments
            self.definitions.append(definition)

    def call(self, call: ChatCompletionsToolCall) -> Any:
        """Make the model's ``call`` and return what the function returns.

        Raises ``UnknownToolError``, ``ToolArgumentsError`` or ``ToolFailedError``.
        """
        # Without parameters services send "" or nothing: only that reads as no arguments.
        name, arguments = call.function.name, call.function.arguments or "{}"
        if name not in self._tools or not isinstance(call.function.raw["name"], str):
            known = ", ".join(self._tools) or "none"
            raise UnknownToolError(f"There is no tool {_shorten(name)!r}. The tools are: {known}.")
        try:
            given = from_json(arguments, allow_inf_nan=False)
        except (TypeError, ValueError) as reason:  # TypeError: half of a surrogate pair
            raise ToolArgumentsError(f"The arguments of {name} are no JSON: {reason}.") from None
        if not isinstance(given, dict):
            raise ToolArgumentsError(f"The arguments of {name} are no JSON object.")
        function, checked = self._tools[name]
        try:
            args, kwargs = checked.validate_json(arguments)
        except ValidationError as misfit:
            faults = misfit.errors(include_url=False, include_context=False, include_input=False)
            named = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in faults]
            words = "; ".join(_shorten(f"{at}: {why}") for at, why in named[:_MAX_FAULTS])
            raise ToolArgumentsError(f"The arguments of {name} do not fit: {words}.") from None
        try:
            return function(*args, **kwargs)
        except Exception as reason:
            raise ToolFailedError(_failed(name, reason)) from reason

    def answer(self, call: ChatCompletionsToolCall) -> ToolMessage:
        """Return the tool message for ``call``: the result as JSON, or ``{"error": why}``."""
        try:
            content = to_json(self.call(call), inf_nan_mode="strings")
        except ToolError as failure:
            content = to_json({"error": failure.message})
        except Exception as reason:  # of ``to_json``: it runs properties of the result
            content = to_json({"error": _failed(call.function.name, reason)})
        return ToolMessage(content.decode(), tool_call_id=call.id)


def run_tools(
    client: ChatCompletionsClient,
    messages: Sequence[Any],
    tools: Toolbox,
    *,
    max_rounds: int = 5,
    keep_reasoning: bool = True,
    **options: Any,
) -> tuple[ChatCompletions, list[Any]]:
    """Send ``messages``, answer the tool calls, and repeat until an answer has none.

    Returns the last answer and the whole conversation, which ends with it. Each round is one
    request with ``options``. A ``tool_choice`` goes with the first request only: a model forced to
    call a tool in each answer would never finish. ``keep_reasoning=False`` sends the model's
    messages back without their reasoning (see ``ChatResponseMessage.as_dict``).

    Raises ``ToolLoopError`` if the model still calls tools after ``max_rounds`` requests, or makes
    more than ``MAX_CALLS`` calls at once; ``BadParameterError`` for a wrong ``max_rounds``, and
    before any tool runs if the message that calls them can't be sent back.
    """
    if not isinstance(max_rounds, int) or max_rounds < 1:
        raise BadParameterError(
            f"max_rounds is {max_rounds!r}; it has to be a whole number from 1 on.",
            advice="leave it out: 5 requests are allowed then.",
        )
    check_messages(messages)
    conversation = list(messages)
    for _ in range(max_rounds):
        completion = client.complete(conversation, tools=tools.definitions, **options)
        options.pop("tool_choice", None)
        sent = check_messages(conversation)
        ids = {str(one["tool_call_id"]) for one in sent if one.get("tool_call_id")}
        message = ChatResponseMessage(completion.message.raw, ids)
        if not keep_reasoning:
            message = ChatResponseMessage(message.as_dict(keep_reasoning=False), ids)
        conversation.append(message)
        calls = message.tool_calls
        # Ignore the finish reason: if the request named a tool, some services send "stop".
        if not calls:
            return completion, conversation
        if len(calls) > MAX_CALLS:
            raise ToolLoopError(
                f"The model made {len(calls):,} calls at once; {MAX_CALLS} are allowed, and none "
                "was made.",
                conversation,
            )
        to_body({"messages": check_messages([message])})  # raises if it can't be sent back
        conversation += [tools.answer(call) for call in calls]
    raise ToolLoopError(f"The model still calls tools after {max_rounds} requests.", conversation)


class _NoTitles(GenerateJsonSchema):
    """Leave out titles, which repeat the parameters' names and cost tokens."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _faults(name: str, function: Callable[..., Any]) -> Iterator[str]:
    """Yield the reasons why ``function`` can't be a tool."""
    if not _NAME.fullmatch(name):
        yield "its name is not of letters from a to z, digits, _ and -, at most 64 of them"
    if not inspect.getdoc(function):
        yield "it has no docstring to tell the model what it is for"
    if inspect.iscoroutinefunction(function):
        yield "it is async, and nothing would await it"
    for parameter in inspect.signature(function).parameters.values():
        if parameter.annotation is parameter.empty:
            yield f"its parameter {parameter.name} has no type"
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            yield f"its parameter {parameter.name} can't be given by name"


def _unfit(name: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{_shorten(name) or 'It'} can't be a tool: {why}.",
        advice="give a function with a docstring, and a type for each parameter.",
    )


def _arguments_of(function: Callable[..., Any]) -> TypeAdapter[Any]:
    """Return what checks the arguments of ``function`` and returns them, without calling it."""

    @functools.wraps(function)  # gives it the signature of ``function``
    def arguments(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    return TypeAdapter(arguments)  # type: ignore[arg-type]  # mypy knows no adapter of a function


def _failed(name: str, reason: Exception) -> str:
    words = _shorten("".join(traceback.format_exception_only(reason)))
    return f"{name} failed: {words.rstrip('.')}."
