"""A parameter that a model refuses is left out or renamed, and nothing else is changed."""

from typing import Any

import pytest

from helpers import BadParameterError, ChatCompletionsClient, ChatError, RateLimitError
from helpers.client.adapter import ParameterAdapter
from tests.fakes import ASK, DONE, MODELS, V1, Answer, answer, client, piece, service_of, streamed
from tests.sync_and_async import both

pytestmark = both
USE = "Unsupported parameter: '{}' is not supported with this model."


def refusal(words: str, status: int = 400, **fields: Any) -> Answer:
    return answer(status, {"error": {"message": words, **fields}})


def adapting(
    *answers: Answer, told: list[str] | None = None, **options: Any
) -> ChatCompletionsClient:
    adapter = ParameterAdapter((told if told is not None else []).append)
    return client(*answers, **{"endpoint": V1, "adapter": adapter, "max_retries": 0, **options})


def sent(asked: ChatCompletionsClient) -> dict[str, Any]:
    """Return the parameters of the last request."""
    body: dict[str, Any] = service_of(asked).body
    return {name: value for name, value in body.items() if name not in ("messages", "model")}


EXTRA = {"type": "extra_forbidden", "msg": "Extra inputs are not permitted"}
REFUSALS: dict[str, tuple[Answer, dict[str, Any], dict[str, Any]]] = {
    # the refusal, what was asked for, what is sent in the end
    "renamed": (
        refusal(USE.format("max_tokens") + " Use 'max_completion_tokens' instead.",
                param="max_tokens", code="unsupported_parameter"),
        {"max_tokens": 9, "top_p": 1}, {"max_completion_tokens": 9, "top_p": 1}),
    "renamed back": (
        answer(422, {"detail": [{**EXTRA, "loc": ["body", "max_completion_tokens"]}]}),
        {"max_completion_tokens": 9}, {"max_tokens": 9}),
    "no code and no param": (
        refusal("The deployment doesn't support logprobs request parameter.", code="422"),
        {"logprobs": True, "top_logprobs": 3}, {}),
    "no name in the words": (
        refusal("Unsupported parameter.", param="stop"), {"stop": ["a"], "seed": 1}, {"seed": 1}),
    "not yet": (
        refusal("`parallel_tool_calls` is not yet supported."), {"parallel_tool_calls": False}, {}),
    "camel case": (
        refusal("Argument not supported on this model: presencePenalty"),
        {"presence_penalty": 1, "frequency_penalty": 1}, {"frequency_penalty": 1}),
    "a part of it": (
        refusal("Unrecognized request argument supplied", param="body.logit_bias.50256"),
        {"logit_bias": {"50256": 1}}, {}),
    "not available": (
        refusal("logprobs are not available for this model"), {"logprobs": True}, {}),
    "one value": (
        refusal("invalid temperature: only 1 is allowed for this model"), {"temperature": 0}, {}),
}  # fmt: skip


@pytest.mark.parametrize(("refused", "options", "kept"), REFUSALS.values(), ids=REFUSALS)
def test_a_refused_parameter_is_left_out_or_renamed(
    refused: Answer, options: dict[str, Any], kept: dict[str, Any]
) -> None:
    told: list[str] = []
    asked = adapting(refused, answer(), told=told)
    completion = asked.complete(ASK, **options)
    assert (completion.content, sent(asked)) == ("Hi!", kept)
    assert completion.exchange is not None
    assert completion.exchange.request_body == service_of(asked).body
    assert len(told) == len(options.keys() - kept.keys())
    asked.complete(ASK, **options)  # at once in the form that was accepted
    assert (len(service_of(asked).requests), sent(asked)) == (3, kept)
    assert len(told) == len(options.keys() - kept.keys())


STAYS: dict[str, tuple[Answer, dict[str, Any]]] = {
    "another parameter": (refusal("Unknown parameter: 'foo'.", param="foo"),
                          {"foo": 1, "seed": 1}),
    "a value out of range": (refusal("top_logprobs is too large: 20.", param="top_logprobs",
                                     code="invalid_value"), {"top_logprobs": 20}),
    "not sent": (refusal(USE.format("seed"), param="seed"), {"stop": ["a"]}),
    "a longer name": (refusal(USE.format("top_logprobs")), {"logprobs": True}),
    "tools": (refusal("Function tools with reasoning_effort are not supported.",
                      param="reasoning_effort"), {"reasoning_effort": "low", "temperature": 1}),
    "another status": (refusal(USE.format("seed"), 404), {"seed": 1}),
}  # fmt: skip


@pytest.mark.parametrize(("refused", "options"), STAYS.values(), ids=STAYS)
def test_any_other_refusal_stays_an_error(refused: Answer, options: dict[str, Any]) -> None:
    asked = adapting(refused, answer())
    with pytest.raises(ChatError):
        asked.complete(ASK, **options)
    assert len(service_of(asked).requests) == 1


def test_the_refusal_that_a_header_asks_for_stays_an_error() -> None:
    words = "Extra parameters ['logprobs'] are not allowed."
    asked = adapting(refusal(words), answer(), endpoint=MODELS)
    with pytest.raises(BadParameterError):
        asked.complete(ASK, logprobs=True, extra_parameters="error")
    assert asked.complete(ASK, logprobs=True, extra_parameters="drop").content == "Hi!"
    assert sent(asked) == {"logprobs": True}


def test_several_are_refused_one_after_the_other_and_a_stream_too() -> None:
    told: list[str] = []
    names = ("max_tokens", "temperature", "max_completion_tokens", "stream_options")
    answers = (*(refusal(USE.format(name)) for name in names), streamed(piece("a", "stop"), DONE))
    asked = adapting(*answers, told=told)
    with asked.stream(ASK, max_tokens=9, temperature=0) as stream:
        assert [update.content for update in stream] == ["a"]
    assert sent(asked) == {"stream": True}
    assert stream.exchange.request_body == service_of(asked).body
    assert told == [
        "The model refused max_tokens: it is sent as max_completion_tokens from now on.",
        "The model refused temperature: it is left out from now on.",
        "The model refused max_completion_tokens: it is left out from now on.",
        "The model refused stream_options: it is left out from now on.",
    ]


def test_it_is_remembered_for_one_model_and_by_copies_of_the_client() -> None:
    asked = adapting(refusal(USE.format("seed")), answer())
    asked.complete(ASK, seed=1)
    copy = asked.with_options(timeout=1)
    assert "seed" not in copy.build_request(ASK, seed=1).content.decode()
    assert "seed" in copy.build_request(ASK, seed=1, model="another").content.decode()


def test_the_header_of_extra_parameters_goes_with_the_new_name() -> None:
    asked = adapting(refusal(USE.format("max_tokens")), answer(), endpoint=MODELS)
    asked.complete(ASK, max_tokens=9)
    assert sent(asked) == {"max_completion_tokens": 9}
    assert service_of(asked).requests[-1].headers["extra-parameters"] == "pass-through"
    assert service_of(asked).requests[-1].headers["api-key"]


def test_both_names_are_sent_as_one() -> None:
    asked = adapting(refusal(USE.format("max_tokens")), answer())
    asked.complete(ASK, max_tokens=9, max_completion_tokens=8)
    assert sent(asked) == {"max_completion_tokens": 8}


def test_a_failure_before_or_after_it_is_retried_as_any_other() -> None:
    refused = refusal(USE.format("seed"))
    asked = adapting(answer(503, ""), refused, answer(503, ""), answer(), max_retries=2)
    assert asked.complete(ASK, seed=1).content == "Hi!"
    with pytest.raises(RateLimitError):
        adapting(refused, answer(429, "")).complete(ASK, seed=1)
