"""Every lesson, live on the small model behind the stand-in: what must hold, never exact words.

No cell fails: what the model can't do (``scripted`` in ``helpers/lessons.toml``), scripts answer.
"""

import json
import math
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from helpers.commands.notebooks import environment
from helpers.lessons import LESSONS, Lesson
from helpers.local_model import LocalModelServer
from tests.standin import StandIn
from tests.standin.calls import Call
from tests.standin.upstream import Draft, Upstream

pytestmark = pytest.mark.model

MAX_CELL_SECONDS = 300

Heard = tuple[Call, Draft]
"""A request that the model got, and one choice of its answer."""


class Listening(Upstream):
    """Notes what the model was asked and what it wrote, if somebody read it to its end."""

    heard: list[Heard] = []  # noqa: RUF012 (one for all: the class is frozen)

    async def pieces(
        self, call: Call, drafts: list[Draft]
    ) -> AsyncIterator[tuple[int, str, list[Any]]]:
        """Yield what the model writes."""
        async with aclosing(super().pieces(call, drafts)) as pieces:
            async for piece in pieces:
                yield piece
        self.heard.extend((call, draft) for draft in drafts)


@pytest.fixture(scope="module")
def failures(server: LocalModelServer) -> Iterator[dict[str, dict[str, str]]]:
    """Run all lessons. Yield the failed cells of each, by first line, and how they failed."""
    upstream, failed = Listening(server.endpoint, server.model, server.key), {}
    with StandIn(pace=0, upstream=upstream) as standin:
        settings = {
            "TUTORIAL_MODE": "live",
            "AZURE_INFERENCE_ENDPOINT": standin.v1,
            "AZURE_INFERENCE_CREDENTIAL": standin.key,
            "AZURE_INFERENCE_MODEL": server.model,
        }
        with environment(**settings, JPY_SESSION_NAME=None):
            for lesson in LESSONS:
                failed[lesson.id] = dict(failed_cells(lesson))
    yield failed


def failed_cells(lesson: Lesson) -> Iterator[tuple[str, str]]:
    """Run a lesson to its end; yield the first line of each cell that failed, and its error."""
    nb = nbformat.read(lesson.notebook, as_version=4)
    where = {"metadata": {"path": str(lesson.notebook.parent)}}
    NotebookClient(
        nb, timeout=MAX_CELL_SECONDS, kernel_name="python3", allow_errors=True, resources=where
    ).execute()
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                yield cell.source.splitlines()[0], f"{output.ename}: {output.evalue}"


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
def test_a_lesson_runs_on_the_model(lesson: Lesson, failures: dict[str, dict[str, str]]) -> None:
    assert failures[lesson.id] == {}


def caps_hold(heard: list[Heard]) -> Iterator[bool]:
    for call, draft in heard:
        if cap := call.body.get("max_tokens"):
            yield draft.completion_tokens <= cap
            yield (draft.finish_reason == "length") == (draft.completion_tokens == cap)


def temperature_0_and_seeds_repeat(heard: list[Heard]) -> Iterator[bool]:
    texts = defaultdict(list)
    for call, draft in heard:
        sampling = call.body.get("temperature"), call.body.get("seed")
        if (sampling[0] == 0 or sampling[1] is not None) and not call.body.get("n"):
            same = {k: v for k, v in call.body.items() if not k.startswith("stream")}
            texts[json.dumps(same, sort_keys=True)].append(draft.text)
    for written in texts.values():
        if len(written) > 1:
            yield len(set(written)) == 1


def stop_texts_are_left_out(heard: list[Heard]) -> Iterator[bool]:
    for call, draft in heard:
        for text in call.body.get("stop") or ():
            yield text not in draft.text and draft.finish_reason == "stop"


def penalties_raise_the_share_of_different_words(heard: list[Heard]) -> Iterator[bool]:
    shares = {
        json.dumps(call.body, sort_keys=True): len({*words}) / len(words)
        for call, draft in heard
        if (words := draft.text.split())
    }
    for call, draft in heard:
        for name in ("frequency_penalty", "presence_penalty"):
            plain = {k: v for k, v in call.body.items() if k != name}
            before = shares.get(json.dumps(plain, sort_keys=True))
            if call.body.get(name, 0) > 0 and before is not None:
                words = draft.text.split()
                yield len({*words}) / len(words) > before


def probabilities_are_at_most_1_and_tokens_are_the_text(heard: list[Heard]) -> Iterator[bool]:
    for call, draft in heard:
        if call.body.get("logprobs"):
            for token in draft.logs:
                yield sum(math.exp(one["logprob"]) for one in token["top_logprobs"]) < 1.0001
            sent = b"".join(bytes(token["bytes"]) for token in draft.logs)
            yield sent.decode("utf-8", errors="replace") == draft.text


def json_parses_unless_it_was_cut(heard: list[Heard]) -> Iterator[bool]:
    for call, draft in heard:
        if call.wants_json and draft.finish_reason == "stop":
            yield isinstance(json.loads(draft.text), dict)


@pytest.mark.parametrize(
    "property_of",
    [
        caps_hold,
        temperature_0_and_seeds_repeat,
        stop_texts_are_left_out,
        penalties_raise_the_share_of_different_words,
        probabilities_are_at_most_1_and_tokens_are_the_text,
        json_parses_unless_it_was_cut,
    ],
    ids=lambda given: given.__name__,
)
def test_what_the_model_wrote_has_the_property(
    property_of: Callable[[list[Heard]], Iterator[bool]], failures: Any
) -> None:
    found = list(property_of(Listening.heard))
    assert found and all(found)
