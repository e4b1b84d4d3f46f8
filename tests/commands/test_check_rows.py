"""Each row of ``check`` in each result, asked of a service whose capabilities are switched off."""

from typing import Any

import pytest

from helpers.client.messages import JSON
from helpers.commands.check import Asker
from helpers.commands.check_probes import PROBES
from helpers.commands.check_report import Row
from tests.commands.fake_service import FakeService
from tests.commands.test_check import NAMES
from tests.fakes import KEY, answer, client

NOT_IGNORED = {"basic call", "extra-parameters: pass-through", "extra-parameters: drop"}
"""Rows that no answer shows to be ignored."""
UNCLEAR = {"tools: auto", "tools: parallel", "tools: streamed", "tools with reasoning_effort"}
UNCLEAR |= {"limit of tokens"}
"""Rows that say unclear where others say ignored: the model may choose, or nothing is told."""


def measured(name: str, service: FakeService) -> Row:
    probe = next(probe for probe in PROBES if probe.name == name)
    return Asker(client(transport=service)).measure(probe)


@pytest.mark.parametrize("name", NAMES)
def test_a_row_that_works(name: str) -> None:
    row = measured(name, FakeService())
    assert (row.name, row.result) == (name, "works"), row.seen
    assert row.seen and row.calls
    assert row.tokens > 0 or name in ("extra-parameters: error", "limit of tokens")


@pytest.mark.parametrize("name", NAMES)
def test_a_row_that_is_refused(name: str) -> None:
    row = measured(name, FakeService(refuses={name}, words="It can't do that."))
    assert (row.result, row.seen) == ("refused", "It can't do that.")
    assert (row.calls[0].status, row.tokens) == (400, 0)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_IGNORED])
def test_a_row_that_is_ignored(name: str) -> None:
    row = measured(name, FakeService(ignores={name}))
    assert row.result == ("unclear" if name in UNCLEAR else "ignored"), row.seen


@pytest.mark.parametrize(
    ("name", "ignored"),
    [
        ("presence_penalty", "seed"),
        ("frequency_penalty", "seed"),
        ("tools: none", "tools: auto"),
    ],
)
def test_what_is_the_same_without_the_parameter_is_unclear(name: str, ignored: str) -> None:
    row = measured(name, FakeService(ignores={ignored}))
    assert row.result == "unclear", row.seen


def asker(message: JSON, finish: str = "stop", **fields: Any) -> Asker:
    """Return an asker who always gets this answer."""
    body = {"choices": [{"message": message, "finish_reason": finish}], **fields}
    return Asker(client(answer(body=body)))


def test_an_answer_shorter_than_the_limit_tells_nothing_of_it() -> None:
    row = asker({"content": "1, 2"}, usage={"completion_tokens": 4}).measure(PROBES[1])
    assert (row.name, row.result) == ("max_tokens", "unclear"), row.seen


def test_an_answer_that_repeats_the_key_is_masked_in_the_report() -> None:
    assert KEY not in asker({"content": f"Hello {KEY}"}).measure(PROBES[0]).model_dump_json()


@pytest.mark.parametrize("resource", ["works", "result", "answer"])
def test_a_resource_may_be_named_like_a_word_of_the_report(resource: str) -> None:
    endpoint = f"https://{resource}.openai.azure.com/openai/v1"
    asking = Asker(client(endpoint=endpoint, transport=FakeService()))
    assert asking.measure(PROBES[0]).result == "works"


def test_an_answer_that_the_budget_of_tokens_cut_is_unclear() -> None:
    asking = asker({"content": "", "reasoning_content": "Hm"}, "length")
    for limit in (64, 2048):
        row = asking.measure(next(one for one in PROBES if one.name == "system role"))
        assert row.result == "unclear"
        assert row.calls[0].request["max_tokens"] == limit


def test_an_answer_without_an_end_is_broken_off() -> None:
    row = measured("limit of tokens", FakeService(ignores={"limit of tokens"}))
    assert row.calls[0].answer["choices"][0]["message"]["content"] == "1"


def test_the_refusal_of_what_a_row_is_compared_with_is_unclear() -> None:
    asking = Asker(client(answer(), answer(400, {"error": {"message": "no"}})))
    row = asking.measure(next(one for one in PROBES if one.name == "seed"))
    assert (row.result, row.seen) == ("unclear", "what it is compared with: no")
