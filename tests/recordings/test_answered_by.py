"""In the lessons on how a model behaves, a script answers only for one of six reasons."""

import json

import pytest

from helpers.client.routes import ROUTES
from helpers.lessons import LESSONS
from helpers.recordings.cassette import SCRIPT
from tests.standin.played import writer_of

REASONS = {
    "protocol": "it shows what is on the wire, and needs the same few words every time",
    "failure": "a model can't be made to fail that way",
    "facts": "the small model doesn't know them",
    "exercise": "its answer has what the exercise is about: a rest that was cut, close calls",
    "any model": "it is asked without temperature 0, which some models refuse, so words vary",
    "many at once": "the small model answers one call after the other",
}
STATION = "What is a railway station called in {}? Only the word."
LANGUAGES = (*("Basque", "Czech", "Esperanto", "Estonian", "Finnish", "Irish", "Polish", "Welsh"),)

SCRIPTED: dict[str, dict[str, str]] = {
    "02-streaming": {
        "Count from one to five.": "protocol",
        "Count from five to one.": "protocol",
        "What is a dictionary for?": "exercise",
        "Count to three, and leave out the end mark.": "failure",
        "Tell me about a lighthouse, over a bad line.": "failure",
        "Tell me about a harbour, over a bad line.": "failure",
    },
    "03-parameters": {
        **{STATION.format(language): "many at once" for language in LANGUAGES},
        "How many letters has the word bookkeeper?": "failure",
    },
    "04-json-mode": {
        "Which writing systems run from right to left?": "failure",
        "Extract as JSON: Aylin is 51 years old and lives in Izmir.": "any model",
        "How many languages are in the world?": "failure",  # of a model without JSON mode
    },
    "05-extra-parameters": {
        "What is the capital of Australia?": "failure",  # extra-parameters: error
        "Say hello in Basque.": "facts",
        "What goes well with toast?": "exercise",
        "How does a model on vLLM refuse a parameter?": "failure",
        "How does an older serverless endpoint refuse a parameter?": "failure",
        "How does an AI21 model refuse a parameter?": "failure",
        "How does a model without JSON output refuse a parameter?": "failure",
        "How does an OpenAI model refuse a parameter?": "failure",
    },
}
"""The exchanges that a script answers, by their last message, and why."""


@pytest.mark.parametrize("lesson", SCRIPTED)
def test_what_a_script_answers_has_a_reason(lesson: str) -> None:
    """A question that the model answers too is only refused by a script."""
    (found,) = (one for one in LESSONS if one.id == lesson)
    scripted, answered, refused = set[str](), set[str](), set[str]()
    for route in ROUTES:
        recording = json.loads(found.cassette(route).read_text(encoding="utf-8"))
        for exchange in recording["exchanges"]:
            asked = exchange["request"]["body"]["messages"][-1]["content"]
            if writer_of(exchange) != SCRIPT:
                answered.add(asked)
            elif exchange["response"]["status"] < 400:
                scripted.add(asked)
            else:
                refused.add(asked)
    assert scripted | refused == set(SCRIPTED[lesson])
    assert set(SCRIPTED[lesson].values()) <= set(REASONS)
    assert answered and not answered & scripted
