"""``Playground``: a prompt, controls for the parameters, the last two answers side by side."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from markupsafe import Markup

from helpers.client.client import ChatCompletionsClient
from helpers.client.errors import BadParameterError
from helpers.client.messages import JSON
from helpers.client.responses import ChatCompletions, CompletionsUsage
from helpers.views.answer import answer_text
from helpers.views.view import View, table
from helpers.widgets.ask_panel import Answer, AskPanel, check_text, progress_text
from helpers.widgets.job import Progress
from helpers.widgets.panel import area, escape_lines, row

_ANSWER = Markup('<div class="cc-text">{}</div>')
Settings = dict[str, Any]
"""A ``prompt``, and those parameters that are set."""


def _number(words: str, *kinds: type[float]) -> Callable[[str], float | None]:
    def read(text: str) -> float | None:
        for kind in kinds:
            with suppress(ValueError):
                return kind(text) if text.strip() else None
        raise BadParameterError(
            f"{text!r} is not a {words}. Nothing was sent.",
            advice="correct it, or empty the box to leave the parameter out.",
        )

    return read


def _texts(text: str) -> list[str] | None:
    return [part.strip() for part in text.split(",") if part.strip()] or None


PARAMETERS: dict[str, Callable[[str], Any]] = {
    "temperature": _number("number", int, float),
    "top_p": _number("number", int, float),
    "max_tokens": _number("whole number", int),
    "stop": _texts,
    "presence_penalty": _number("number", int, float),
    "frequency_penalty": _number("number", int, float),
    "seed": _number("whole number", int),
}
"""How the text of each parameter's box is read. An empty box is None; ``stop`` is a list of texts
with commas between them. Raises ``BadParameterError`` for what is no number."""


class Playground(AskPanel[Settings, Answer]):
    """Controls for a prompt and its parameters; Run streams the answer, Stop ends it.

    ``initial``: answers of the lesson, of which the last two are shown. Showing the panel sends
    nothing. ``answers`` are the last two.
    """

    name = "playground"
    note = (
        "Run this cell in JupyterLab, and there are controls for the prompt and the parameters, "
        "and a button that asks."
    )

    def __init__(
        self, client: ChatCompletionsClient, *, initial: Sequence[ChatCompletions]
    ) -> None:
        self.answers = list(initial)[-2:]
        super().__init__(client, Answer())

    def static_view(self) -> View:
        """Return the last two answers side by side."""
        return side_by_side(self.answers)

    def build(self) -> list[Any]:
        """Make the form; below it the answer as it comes, and the last two."""
        self._both = area("both")
        return [*super().build(), self._both]

    def form(self) -> list[Any]:
        """Make a box for the prompt and one for each parameter."""
        self._boxes = {name: self.text_box(name, name) for name in ("prompt", *PARAMETERS)}
        if self.answers:
            self.fill(settings_of(self.answers[-1]))
        prompt, *others = self._boxes.values()
        notice = area("empty-boxes", "A box that is empty leaves its parameter out.")
        return [row(prompt), row(*others), notice]

    def read(self) -> Settings:
        """Return the prompt, and the parameters whose boxes are not empty."""
        texts = {name: str(box.value) for name, box in self._boxes.items()}
        check_text(texts["prompt"], "prompt")
        values = {name: parse(texts[name]) for name, parse in PARAMETERS.items()}
        return {"prompt": texts["prompt"], **values}

    def arguments(self, request: Settings) -> dict[str, Any]:
        """Return the prompt as a message, and the parameters."""
        parameters = {name: value for name, value in request.items() if name != "prompt"}
        return {"messages": [{"role": "user", "content": request["prompt"]}], **parameters}

    def requests_in(self, body: JSON) -> dict[str, Settings]:
        """Return the prompt and the parameters of ``body``."""
        settings = _settings(body)
        parameters = ", ".join(_parameters(settings))
        return {f"{settings['prompt']} ({parameters or 'no parameters'})": settings}

    def fill(self, request: Settings) -> None:
        """Put a prompt and its parameters into the boxes; the other boxes are emptied."""
        for name, box in self._boxes.items():
            box.value = box_text(request.get(name))

    def ended(self, progress: Progress[Answer]) -> None:
        """Keep the last two answers."""
        if progress.value.completion is not None:
            self.answers = [*self.answers, progress.value.completion][-2:]

    def show(self, progress: Progress[Answer]) -> None:
        """Show the answer as it comes; a whole one stands in the table."""
        whole = progress.state in ("ready", "finished")
        self.answer.value = "" if whole else _ANSWER.format(escape_lines(progress_text(progress)))

    def show_results(self, progress: Progress[Answer]) -> None:
        """Show the last two answers."""
        self._both.value = self.static_view().html


def settings_of(answer: ChatCompletions) -> Settings:
    """Return what ``answer`` was asked with: the text of the last message, and the parameters."""
    return _settings({} if answer.exchange is None else answer.exchange.request_body)


def box_text(value: Any) -> str:
    """Return a value as it stands in its box; nothing for None."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def side_by_side(answers: Sequence[ChatCompletions]) -> View:
    """Return the answers beside each other, the newest on the right: settings, text and usage."""
    if not answers:
        return View("<p>No answer yet.</p>", "No answer yet.")
    head = ["", *["the one before", "the last answer"][-len(answers) :]]
    settings = [settings_of(answer) for answer in answers]
    rows = {
        "prompt": [one["prompt"] for one in settings],
        "parameters": ["\n".join(_parameters(one)) or "(none)" for one in settings],
        "answer": [answer_text(answer) for answer in answers],
        "finish_reason": [answer.finish_reason for answer in answers],
        "prompt tokens": [_tokens(answer.usage, "prompt_tokens") for answer in answers],
        "completion tokens": [_tokens(answer.usage, "completion_tokens") for answer in answers],
    }
    return table(head, [[name, *cells] for name, cells in rows.items()])


def _settings(body: JSON) -> Settings:
    content = (body.get("messages") or [{}])[-1].get("content")
    kept = {name: body[name] for name in PARAMETERS if body.get(name) is not None}
    return {"prompt": content if isinstance(content, str) else "", **kept}


def _tokens(usage: CompletionsUsage, name: str) -> object:
    return "(not told)" if usage.raw.get(name) is None else getattr(usage, name)


def _parameters(settings: Mapping[str, Any]) -> list[str]:
    return [f"{name}={box_text(settings[name])}" for name in PARAMETERS if name in settings]
