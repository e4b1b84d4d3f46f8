"""Record and replay calls of a test."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from helpers import ChatCompletionsClient
from helpers.client.routes import ROUTES
from helpers.recordings.cassette import save
from helpers.recordings.record import RecordingTransport
from helpers.recordings.replay import ReplayTransport
from tests.fakes import Answer, Service, answer, client

LESSON = "01-basic-call"
FACTS = {"answered_by": {"live": 1}, "route": "models", "model": "my-deployment",
         "recorded": "2030-01-02"}  # fmt: skip
Act = Callable[[ChatCompletionsClient], Any]


def record(path: Path, act: Act, *answers: Answer, **options: Any) -> Any:
    """Return what ``act`` gives, while its calls are recorded in ``path``."""
    recorder = RecordingTransport(path, Service(*answers), LESSON, dict(FACTS), into=path)
    return act(client(transport=recorder, **options))


def replay(path: Path, act: Act, **options: Any) -> Any:
    """Return what ``act`` gives from the recording in ``path``."""
    return act(client(transport=ReplayTransport(path), **options))


def recording_in(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def says(text: str) -> Answer:
    return answer(body={"choices": [{"message": {"content": text}}]})


def write(folder: Path, generation: str) -> Path:
    """Write recordings of both routes, in which each request tells the generation."""
    response = {"status": 200, "headers": {}, "ms": 1, "body": "long " * 2000}
    exchange = {"request": {"model": generation}, "response": response}
    for route in ROUTES:
        save(folder / route / f"{LESSON}.json", {"provenance": FACTS, "exchanges": [exchange] * 3})
    return folder
