"""Tools: definitions from signatures, checked calls, failures, and a loop with a limit."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from helpers.client.errors import BadParameterError, ConfigurationError
from helpers.client.responses import ChatCompletionsToolCall
from helpers.tools import (
    MAX_CALLS,
    ToolArgumentsError,
    Toolbox,
    ToolError,
    ToolLoopError,
    UnknownToolError,
    run_tools,
)
from tests import fakes
from tests.views.test_views import HOSTILE

DAY = date(2031, 2, 3)
RAN: list[Any] = []
"""What the functions here were called with."""


@pytest.fixture(autouse=True)
def nothing_ran() -> Iterator[None]:
    RAN.clear()
    yield


def next_train(
    origin: Annotated[str, Field(description="Where it starts")],
    changes: int = 2,
    comfort: Literal["first", "second"] = "second",
    days: list[date] | None = None,
    *,
    cheap: bool = False,
) -> dict[str, Any]:
    """Look up the next train.

    Not the one after it.
    """
    RAN.append((origin, changes, comfort, days, cheap))
    return {"leaves": "08:15", "origin": origin}


def unlisted(origin: str = "") -> str:
    """A function that is in no toolbox."""
    RAN.append("unlisted")
    return "reached"


def now() -> str:
    """Tell the time."""
    return "noon"


def all_optional(origin: str = "") -> str:
    """Look up what has a default."""
    RAN.append(origin)
    return "looked up"


def written(name: Any, arguments: Any, call_id: Any = "call-1") -> ChatCompletionsToolCall:
    function = {"name": name, "arguments": arguments}
    return ChatCompletionsToolCall({"id": call_id, "type": "function", "function": function})


def returning(value: Any, name: str = "give") -> Callable[..., Any]:
    """A function of this name that returns ``value``, or raises it."""

    def give() -> Any:
        """Give a value."""
        RAN.append(name)
        if isinstance(value, BaseException):
            raise value
        return value

    give.__name__ = name
    return give


def told(tools: Toolbox, call: ChatCompletionsToolCall) -> Any:
    """What the model is told, read as strict JSON; it can be sent whatever it is."""
    message = tools.answer(call)
    assert message.tool_call_id == call.id
    message.content.encode("utf-8")
    return json.loads(message.content, parse_constant=lambda word: pytest.fail(word))


TOOLS = Toolbox(next_train, now)


class TestDefinitions:
    def test_the_description_is_the_docstring_without_its_indentation(self) -> None:
        said = TOOLS.definitions[0]["function"]["description"]
        assert said == "Look up the next train.\n\nNot the one after it."

    def test_a_function_without_parameters_takes_none(self) -> None:
        parameters = TOOLS.definitions[1]["function"]["parameters"]
        assert parameters == {"type": "object", "properties": {}, "additionalProperties": False}

    def test_annotations_that_are_texts_are_read(self) -> None:
        def late(day: "Literal['today', 'tomorrow']") -> "str":
            """Look up."""
            return day

        tools = Toolbox(late)
        schema = tools.definitions[0]["function"]["parameters"]["properties"]["day"]
        assert schema["enum"] == ["today", "tomorrow"]
        assert tools.call(written("late", '{"day": "today"}')) == "today"

    @pytest.mark.parametrize(
        ("source", "why"),
        [
            ("def f(city: str): ...", "no docstring"),
            ("def f(city):\n '''Do.'''", "parameter city has no type"),
            ("def f(*cities: str):\n '''Do.'''", "cities can't be given by name"),
            ("def f(city: str, /):\n '''Do.'''", "city can't be given by name"),
            ("async def f(city: str):\n '''Do.'''", "async"),
            ("def é(city: str):\n '''Do.'''\nf = é", "letters from a to z"),
            (f"def {'f' * 65}():\n '''Do.'''\nf = {'f' * 65}", "at most 64"),
            ("class C: pass\ndef f(c: C):\n '''Do.'''", "can't be a tool"),
            ("def f(c: 'NoSuch'):\n '''Do.'''", "NoSuch"),
            ("f = max", "no signature"),
            ("f = 5", "can't be a tool"),
            (
                "def f(): '''Do.'''\nclass Late:\n"
                " __name__ = 'f'\n __doc__ = 'Do.'\n def __call__(self): ...\n"
                " @property\n def __signature__(self): return NoSuch\nf = Late()",
                "NoSuch",
            ),
        ],
    )
    def test_a_function_that_can_not_be_a_tool_is_refused(self, source: str, why: str) -> None:
        names: dict[str, Any] = {}
        exec(source, names)
        with pytest.raises(ConfigurationError, match=why):
            Toolbox(names["f"])

    def test_two_functions_of_one_name_are_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="another tool has its name"):
            Toolbox(now, now)


ALL = Toolbox(next_train, now, all_optional, *(returning(0, name) for name in ("true", "5")))
OSLO = '{"origin": "Oslo"}'
UNKNOWN = [
    *("unlisted", "eval", "call", "__class__", "tests.test_tools.unlisted", "NEXT_TRAIN", "now "),
    *(None, 5, True, ["now"], {"name": "now"}),
]
MISFITS: list[tuple[str, Any, str]] = [
    *(("now all_optional", given, "are no JSON object") for given in (
        [], ["Oslo"], [{"origin": "Oslo"}], 0, 5, 1.5, True, False, "null", "[]", '""')),
    ("now all_optional next_train", " ", "are no JSON: EOF"),
    *(("next_train", arguments, why) for arguments, why in (
        ('{"a":' * 100_000, "are no JSON: recursion"),
        *((text, "are no JSON") for text in ("{'origin': 'Oslo'}", "\ud800", "9" * 100_000)),
        *((f'{{"origin": {text}}}', "are no JSON") for text in ("NaN", '"\\ud800"')),
        *((text, "no JSON object") for text in ('["Oslo"]', '"Oslo"', "null")),
        ('{"origin": "Oslo", "days": ["soon", "2031-02-03"]}', "days.*0"),
        ('{"__args__": ["Oslo"], "__kwargs__": {}}', "origin: Missing"),
        ('{"origin": "Oslo", "self": 1}', "self: Unexpected keyword"),
    )),
]  # fmt: skip


class TestCall:
    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            (OSLO, ("Oslo", 2, "second", None, False)),
            ('{"cheap": true, "changes": "3", "origin": "L"}', ("L", 3, "second", None, True)),
            ('{"origin": "L", "days": ["2031-02-03"]}', ("L", 2, "second", [DAY], False)),
        ],
        ids=["defaults", "by name, not by order, a number as text", "a list"],
    )
    def test_the_function_runs_with_checked_arguments(self, arguments: str, expected: Any) -> None:
        for given in arguments, json.loads(arguments):  # an object is taken as its text
            TOOLS.call(written("next_train", given))
            assert RAN.pop() == expected

    @pytest.mark.parametrize("arguments", ["", None, "{}", " {} ", {}, "left out"])
    def test_no_arguments_are_needed_where_there_are_no_parameters(self, arguments: Any) -> None:
        call = written("now", arguments)
        if arguments == "left out":
            del call.raw["function"]["arguments"]
        assert TOOLS.call(call) == "noon"

    @pytest.mark.parametrize(("names", "arguments", "why"), MISFITS)
    def test_arguments_that_do_not_fit_never_reach_it(
        self, names: str, arguments: Any, why: str
    ) -> None:
        for name in names.split():
            call = written(name, arguments)
            with pytest.raises(ToolArgumentsError) as caught:
                ALL.call(call)
            assert re.search(why, caught.value.message)
            assert list(told(ALL, call)) == ["error"]
        assert RAN == []

    def test_of_many_faults_a_few_are_told(self) -> None:
        error = told(TOOLS, written("next_train", {str(name): 1 for name in range(99)}))["error"]
        assert error.count("; ") == 4

    @pytest.mark.parametrize("name", UNKNOWN, ids=repr)
    def test_what_is_in_no_toolbox_does_not_exist(self, name: Any) -> None:
        call = written(name, OSLO)
        with pytest.raises(UnknownToolError, match="The tools are: next_train, now"):
            ALL.call(call)
        assert list(told(ALL, call)) == ["error"]
        assert RAN == []

    @pytest.mark.parametrize("raw", [None, [], {}, {"function": "now"}, {"function": {"name": 1}}])
    def test_what_is_no_call_is_an_unknown_tool(self, raw: Any) -> None:
        with pytest.raises(UnknownToolError):
            TOOLS.call(ChatCompletionsToolCall(raw))

    def test_an_interruption_is_no_failure(self) -> None:
        with pytest.raises(KeyboardInterrupt):
            Toolbox(returning(KeyboardInterrupt())).answer(written("give", "{}"))


def misfit() -> Exception:
    """What pydantic raises; in a function it is a failure of that, and of no arguments."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(int).validate_python("window")
    return caught.value


class Loud(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


@dataclass
class Seat:
    row: int
    place: str


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


class TestAnswer:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            *((None, None), ("Zürich", "Zürich"), ((1, 2), [1, 2]), (b"bytes", "bytes")),
            *(({1: 2.5}, {"1": 2.5}), (DAY, "2031-02-03"), (float("nan"), "NaN")),
            (Seat(7, "window"), {"row": 7, "place": "window"}),
        ],
        ids=repr,
    )
    def test_it_is_json_whatever_the_function_returns(self, value: Any, expected: Any) -> None:
        assert told(Toolbox(returning(value)), written("give", "{}")) == expected

    @pytest.mark.parametrize(
        "value", [object(), b"\xff", "\ud800", CIRCLE, {object(): 1}],
        ids=["object", "bytes", "surrogate", "circle", "key"],
    )  # fmt: skip
    def test_a_result_that_can_not_be_json_is_a_failure(self, value: Any) -> None:
        assert "give failed" in told(Toolbox(returning(value)), written("give", "{}"))["error"]

    @pytest.mark.parametrize(
        "reason",
        [RecursionError("deep"), Loud(), OSError(2, "", "x" * 9_999), StopIteration(), misfit()],
    )
    def test_whatever_a_function_raises_is_told(self, reason: Exception) -> None:
        words = told(Toolbox(returning(reason)), written("give", "{}"))["error"]
        assert words.startswith("give failed: ") and type(reason).__name__ in words
        assert len(words) < 400

    @pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
    def test_hostile_text_is_shortened_and_made_visible(self, text: str) -> None:
        raised = told(Toolbox(returning(ValueError(text))), written("give", "{}"))
        unknown = told(TOOLS, written(text, "{}"))
        misfit = told(TOOLS, written("next_train", json.dumps({text: text})))
        broken = told(TOOLS, written("next_train", text))
        for words in (raised, unknown, misfit, broken):
            error = words["error"]
            assert len(error) < 1_000
            assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in error)
            assert not set("\u2028\u2029\u202e\u2066") & set(error)


def calling(*calls: ChatCompletionsToolCall, finish: str = "tool_calls") -> fakes.Answer:
    message = {"role": "assistant", "content": None, "tool_calls": [call.raw for call in calls]}
    choice = {"index": 0, "finish_reason": finish, "message": message}
    return fakes.answer(body={**fakes.COMPLETION, "choices": [choice]})


class TestLoop:
    def test_options_go_with_each_request_and_the_callers_list_stays_as_it_is(self) -> None:
        client = fakes.client(calling(written("now", "")), fakes.answer())
        _, conversation = run_tools(client, fakes.ASK, TOOLS, temperature=0.5)
        asked = [json.loads(one.content) for one in fakes.service_of(client).requests]
        assert [body["temperature"] for body in asked] == [0.5, 0.5]
        assert (len(fakes.ASK), len(conversation)) == (1, 4)

    def test_the_finish_reason_does_not_count(self) -> None:
        client = fakes.client(calling(written("now", ""), finish="stop"), fakes.answer())
        assert len(run_tools(client, fakes.ASK, TOOLS)[1]) == 4

    def test_tool_choice_goes_with_the_first_request_only(self) -> None:
        client = fakes.client(calling(written("now", "")), fakes.answer())
        run_tools(client, fakes.ASK, TOOLS, tool_choice="required")
        asked = [json.loads(one.content) for one in fakes.service_of(client).requests]
        assert [body.get("tool_choice") for body in asked] == ["required", None]

    @pytest.mark.parametrize(
        ("messages", "rounds"), [(fakes.ASK, 0), (fakes.ASK, -1), (fakes.ASK, None), (None, 5)]
    )
    def test_what_cannot_be_a_loop_is_refused_before_sending(
        self, messages: Any, rounds: Any
    ) -> None:
        client = fakes.client()
        with pytest.raises(BadParameterError):
            run_tools(client, messages, TOOLS, max_rounds=rounds)
        assert fakes.service_of(client).requests == []

    def test_as_many_calls_at_once_as_are_allowed_are_made_and_of_more_none(self) -> None:
        call = written("next_train", OSLO)
        run_tools(fakes.client(calling(*[call] * MAX_CALLS), fakes.answer()), fakes.ASK, TOOLS)
        assert len(RAN) == MAX_CALLS
        with pytest.raises(ToolLoopError, match="51 calls at once") as caught:
            run_tools(fakes.client(calling(*[call] * (MAX_CALLS + 1))), fakes.ASK, TOOLS)
        assert len(RAN) == MAX_CALLS
        assert isinstance(caught.value, ToolError) and len(caught.value.messages) == 2

    @pytest.mark.parametrize("ids", [[""], [None], [7], [["a"]], ["", ""], ["a", "a"], [None, "b"]])
    @pytest.mark.parametrize("rounds", [1, 2])
    def test_each_result_can_be_sent(self, ids: list[Any], rounds: int) -> None:
        calls = [written("next_train", OSLO, one) for one in ids]
        client = fakes.client(*[calling(*calls)] * rounds, fakes.answer())
        run_tools(client, fakes.ASK, TOOLS)
        sent = fakes.service_of(client).body["messages"][1:]
        asked = [call["id"] for one in sent for call in one.get("tool_calls", ())]
        answered = [one["tool_call_id"] for one in sent if one["role"] == "tool"]
        assert asked == answered
        assert all(one and isinstance(one, str) for one in asked)
        made_up = [one for one in asked if one not in ids]
        assert len(set(made_up)) == len(made_up)
        assert len(RAN) == rounds * len(ids)

    def test_an_id_of_the_callers_own_conversation_is_not_made_up_again(self) -> None:
        earlier = [*fakes.ASK, {"role": "tool", "content": "x", "tool_call_id": "call00001"}]
        client = fakes.client(calling(written("now", "", "")), fakes.answer())
        _, conversation = run_tools(client, earlier, TOOLS)
        assert conversation[-2].tool_call_id == "call00002"

    def test_no_tool_runs_if_the_message_that_calls_it_can_not_be_sent_back(self) -> None:
        call = written("next_train", OSLO)
        odd = written("next_train", {"origin": float("nan")}, "call-2")
        message = {"role": "assistant", "tool_calls": [call.raw, odd.raw]}
        body = json.dumps({"choices": [{"message": message}]})
        with pytest.raises(BadParameterError, match="can't be sent"):
            run_tools(fakes.client(fakes.answer(body=body)), fakes.ASK, TOOLS)
        assert RAN == []

    @pytest.mark.parametrize("keep", [True, False])
    def test_reasoning_goes_back_unless_you_say_otherwise(self, keep: bool) -> None:
        asking = {"role": "assistant", "reasoning": "Hm.", "tool_calls": [written("now", "").raw]}
        last = {"content": "Noon.", "reasoning_content": "Hm."}
        bodies = [{"choices": [{"message": message}]} for message in (asking, last)]
        client = fakes.client(*(fakes.answer(body=body) for body in bodies))
        completion, conversation = run_tools(client, fakes.ASK, TOOLS, keep_reasoning=keep)
        assert ("reasoning" in fakes.service_of(client).body["messages"][1]) is keep
        assert (conversation[-1].reasoning_content is not None) is keep
        assert completion.message.reasoning_content == "Hm."
