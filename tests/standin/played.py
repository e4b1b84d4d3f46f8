"""A model's part in a recording: who wrote an answer, what it is, and a model that plays it again.

With a played model behind the stand-in, recording a lesson again gives the same words on every
machine, whether or not the model is there.
"""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from helpers.recordings.cassette import LIVE, SCRIPT, load
from tests.standin.calls import Call, Json
from tests.standin.checks import STANDARD
from tests.standin.upstream import Upstream


def writer_of(exchange: Json) -> str:
    """Return who wrote an answer: a script, a live deployment or, by its name, a model."""
    return str(exchange["response"]["headers"].get("x-answered-by", LIVE))


def by_model(exchanges: Iterable[Json]) -> list[Json]:
    """Return the exchanges that a model behind the stand-in answered."""
    return [one for one in exchanges if writer_of(one) not in (SCRIPT, LIVE)]


def bodies_of(response: Json) -> list[Json]:
    """Return the body of a recorded answer, or the JSON of each event of a stream."""
    if "stream" not in response:
        return [response["body"]]
    lines = "".join(text for _, text in response["stream"]).split("\n")
    # Where the lesson left the stream, its last event may be cut.
    return [
        json.loads(line[6:]) for line in lines if line.startswith("data: {") and line[-1] == "}"
    ]


def pieces_of(response: Json) -> list[tuple[str | None, Json | None]]:
    """Return each piece of an answer: its text, its log probabilities."""
    choices = [choice for body in bodies_of(response) for choice in body["choices"]]
    return [
        ((choice.get("message") or choice["delta"]).get("content"), choice.get("logprobs"))
        for choice in choices
    ]


class PlayedModel(Upstream):
    """Answers as a model did in the recording ``path``: by the body of the request, in order.

    What a second client asks on the other route is recorded in ``other``, once.
    """

    def __init__(self, path: Path, other: Path) -> None:
        recorded = by_model(load(path)["exchanges"])
        super().__init__("", writer_of(recorded[0]) if recorded else "")
        self.answers = _answers(recorded)
        self._other = _answers(by_model(load(other)["exchanges"]))

    async def sent(self, call: Call) -> AsyncIterator[tuple[int, Json]]:
        """Yield the recorded answer, which has all choices."""
        key = _key(call.body)
        response = self.answers[key].pop(0) if self.answers[key] else self._other[key][0]
        for body in bodies_of(response):
            yield 0, body


def _answers(recorded: Iterable[Json]) -> dict[str, list[Json]]:
    """Return the answers by the body of their request, as the route hands it to the model."""
    answers: dict[str, list[Json]] = defaultdict(list)
    for exchange in recorded:
        body = dict(exchange["request"]["body"])
        if exchange["request"]["headers"].get("extra-parameters") == "drop":
            body = {name: value for name, value in body.items() if name in STANDARD}
        answers[_key(body)].append(exchange["response"])
    return answers


def _key(body: Json) -> str:
    return json.dumps(body, sort_keys=True)
