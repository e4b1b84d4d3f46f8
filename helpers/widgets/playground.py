"""``Playground``: a prompt, controls for the parameters, the last two answers side by side."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from markupsafe import Markup

from helpers.client.client import ChatCompletionsClient
from helpers.client.messages import JSON
from helpers.client.responses import ChatCompletions, CompletionsUsage
from helpers.views.view import View, answer_text, escape_lines, stack, table
from helpers.widgets.ask_panel import AskPanel, StreamedAnswer, snapshot_text, user_message
from helpers.widgets.job import Snapshot
from helpers.widgets.panel import area, row

PARAMETERS = (
    *("temperature", "top_p", "max_tokens", "stop"),
    *("presence_penalty", "frequency_penalty", "seed"),
)
_ANSWER = Markup('<div class="cc-text">{}</div>')
Settings = dict[str, Any]
"""A ``prompt``, and those parameters that are set."""


class Playground(AskPanel[Settings, StreamedAnswer]):
    """Controls for a prompt and its parameters; Run streams the answer, Stop ends it.

    ``initial``: answers of the lesson. ``answers`` are the last two, which are shown.
    """

    name = "playground"
    note = "there are controls for the prompt and the parameters, and a button that asks."

    def __init__(
        self, client: ChatCompletionsClient, *, initial: Sequence[ChatCompletions]
    ) -> None:
        self.answers = list(initial)[-2:]
        super().__init__(client, StreamedAnswer())

    def static_view(self) -> View:
        """Return the last two answers, the newest on the right: settings, text and usage."""
        if not self.answers:
            return stack("No answer yet.")
        head = ["", *["the one before", "the last answer"][-len(self.answers) :]]
        columns = [_column(answer) for answer in self.answers]
        return table(head, [[name, *(one[name] for one in columns)] for name in columns[0]])

    def build(self) -> list[Any]:
        """Make the form; below it the answer as it comes, and the last two."""
        self._last_two = area("both")
        return [*super().build(), self._last_two]

    def form(self) -> list[Any]:
        """Make a box for the prompt and one for each parameter."""
        self._boxes = {name: self.text_box(name) for name in ("prompt", *PARAMETERS)}
        if self.answers:
            self.fill(settings_of(self.answers[-1]))
        prompt, *others = self._boxes.values()
        notice = area("empty-boxes", "A box that is empty leaves its parameter out.")
        return [row(prompt), row(*others), notice]

    def read(self) -> Settings:
        """Return the prompt, and the parameters as their boxes say."""
        values = {name: parameter_value(name, self._boxes[name].value) for name in PARAMETERS}
        return {"prompt": str(self._boxes["prompt"].value), **values}

    def arguments(self, request: Settings) -> dict[str, Any]:
        """Return the prompt as a message, and the parameters."""
        parameters = {name: value for name, value in request.items() if name != "prompt"}
        return {"messages": [user_message(request["prompt"], "prompt")], **parameters}

    def requests_in(self, body: JSON) -> dict[str, Settings]:
        """Return the prompt and the parameters of ``body``."""
        settings = _settings(body)
        parameters = ", ".join(_parameters(settings))
        return {f"{settings['prompt']} ({parameters or 'no parameters'})": settings}

    def fill(self, request: Settings) -> None:
        """Put a prompt and its parameters into the boxes; the other boxes are emptied."""
        for name, box in self._boxes.items():
            box.value = box_text(request.get(name))

    def ended(self, snapshot: Snapshot[StreamedAnswer]) -> None:
        """Keep the last two answers."""
        if snapshot.value.completion is not None:
            self.answers = [*self.answers, snapshot.value.completion][-2:]

    def show(self, snapshot: Snapshot[StreamedAnswer]) -> None:
        """Show the answer as it comes; a whole one stands in the table."""
        whole = snapshot.state in ("ready", "finished")
        self.answer.value = "" if whole else _ANSWER.format(escape_lines(snapshot_text(snapshot)))

    def show_results(self, snapshot: Snapshot[StreamedAnswer]) -> None:
        """Show the last two answers."""
        self._last_two.value = self.static_view().html


def parameter_value(name: str, text: str) -> Any:
    """Return the value in a parameter's box: None if it is empty, for ``stop`` a list of texts with
    commas between them, else a number.

    What is no number stays a text: the client refuses it, and says what the parameter has to be.
    """
    if name == "stop":
        return [part.strip() for part in text.split(",") if part.strip()] or None
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text.strip() or None


def box_text(value: Any) -> str:
    """Return a value as it stands in its box; nothing for None."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def settings_of(answer: ChatCompletions) -> Settings:
    """Return what ``answer`` was asked with: the text of the last message, and the parameters."""
    return _settings({} if answer.exchange is None else answer.exchange.request_body)


def _settings(body: JSON) -> Settings:
    content = (body.get("messages") or [{}])[-1].get("content")
    kept = {name: body[name] for name in PARAMETERS if body.get(name) is not None}
    return {"prompt": content if isinstance(content, str) else "", **kept}


def _parameters(settings: Mapping[str, Any]) -> list[str]:
    return [f"{name}={box_text(settings[name])}" for name in PARAMETERS if name in settings]


def _column(answer: ChatCompletions) -> dict[str, object]:
    settings = settings_of(answer)
    return {
        "prompt": settings["prompt"],
        "parameters": "\n".join(_parameters(settings)) or "(none)",
        "answer": answer_text(answer),
        "finish_reason": answer.finish_reason,
        "prompt tokens": _tokens(answer.usage, "prompt_tokens"),
        "completion tokens": _tokens(answer.usage, "completion_tokens"),
    }


def _tokens(usage: CompletionsUsage, name: str) -> object:
    return "(not told)" if usage.raw.get(name) is None else getattr(usage, name)
