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
from tests.standin.upstream import Draft, Upstream


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


def piece_of(choice: Json) -> tuple[int, str, list[Json]]:
    """Return a piece of an answer: of which choice, its text, its log probabilities."""
    text = (choice.get("message") or choice.get("delta") or {}).get("content") or ""
    return int(choice["index"]), text, (choice.get("logprobs") or {}).get("content") or []


def pieces_of(response: Json) -> list[tuple[int, str, list[Json]]]:
    """Return each piece of an answer."""
    return [piece_of(choice) for body in bodies_of(response) for choice in body["choices"]]


class PlayedModel(Upstream):
    """Answers as a model did in the recording ``path``: by the body of the request, in order.

    What a second client asks on the other route is recorded in ``other``, once.
    """

    def __init__(self, path: Path, other: Path) -> None:
        recorded = by_model(load(path)["exchanges"])
        super().__init__("", writer_of(recorded[0]) if recorded else "")
        self.answers = _answers(recorded)
        self._other = _answers(by_model(load(other)["exchanges"]))

    async def pieces(
        self, call: Call, drafts: list[Draft]
    ) -> AsyncIterator[tuple[int, str, list[Json]]]:
        """Yield the recorded pieces."""
        key = _key(call.body)
        response = self.answers[key].pop(0) if self.answers[key] else self._other[key][0]
        for body in bodies_of(response):
            if counted := body.get("usage"):
                drafts[0].prompt_tokens = counted["prompt_tokens"]
                drafts[0].completion_tokens = counted["completion_tokens"]
            for choice in body["choices"]:
                at, text, logs = piece_of(choice)
                drafts[at].finish_reason = choice.get("finish_reason") or drafts[at].finish_reason
                drafts[at].text += text
                drafts[at].logs += logs
                if text:
                    yield at, text, logs


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
