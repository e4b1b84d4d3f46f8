"""``playground``: a prompt, controls for the parameters, the last two answers side by side."""

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from typing import Any

from markupsafe import Markup

from helpers.client.client import ChatCompletionsClient
from helpers.client.errors import BadParameterError
from helpers.client.messages import UserMessage
from helpers.client.responses import ChatCompletions, CompletionsUsage
from helpers.views.view import View, table
from helpers.widgets import panel as widgets
from helpers.widgets.ask import Answer, answering
from helpers.widgets.html import ended, lines, streamed
from helpers.widgets.job import Job, Progress, RunContext, Work
from helpers.widgets.panel import Panel, area, choice, row, text_box
from helpers.widgets.playground_settings import (
    NAMES,
    PARAMETERS,
    Setting,
    choices,
    followed,
    in_short,
    nearest,
    offers,
    setting_of,
)
from helpers.widgets.run_row import RunRow

_RECORDED = (
    "Answers are recorded here: the controls offer what was recorded, and when you change one, the "
    "others follow to a combination that was. With a deployment of your own, anything goes."
)
_NOTHING = "Answers are recorded here, and none that could be asked for in this panel."
_LIVE = "A box that is empty leaves its parameter out."
_FOLLOWED = Markup('<p role="status">{}</p>')


def playground(client: ChatCompletionsClient, *, shown: Sequence[ChatCompletions]) -> "Playground":
    """Controls for a prompt and its parameters; Run streams the answer, Stop ends it.

    ``shown``: answers of the lesson; the last two of them are there until you run it: showing the
    playground asks nothing.
    """
    return Playground(client, shown=shown)


class Playground(Panel):
    """The panel that ``playground`` makes; ``answers`` are the last two."""

    name = "playground"
    note = (
        "Run this cell in JupyterLab, and there are controls for the prompt and the parameters, "
        "and a button that asks."
    )

    def __init__(self, client: ChatCompletionsClient, *, shown: Sequence[ChatCompletions]) -> None:
        self._client = client
        self.answers = list(shown)[-2:]
        self.offers = offers(client)
        self._following = False
        self._turning = threading.RLock()  # the kernel hears of two controls in two threads
        self.job: Job[Answer] = Job(Answer(), self.draw, self._ended)

    def run(self, setting: Setting) -> bool:
        """Ask; False, and nothing is done, while an answer is on its way."""
        return self.job.start(self._asking(lambda turn: setting), Answer())

    def stop(self) -> bool:
        """End the answer now, and keep what has arrived; False if none is on its way."""
        return self.job.stop()

    def static_view(self) -> View:
        """The last two answers side by side."""
        return side_by_side(self.answers)

    def build(self) -> list[Any]:
        """The controls; below them the answer as it comes, and the last two."""
        last = setting_of(self.answers[-1]) if self.answers else {"prompt": ""}
        if self.offers is not None:
            last = nearest(self.offers, last, "prompt") if self.offers else {}
        self._controls = {name: self._control(name, last) for name in NAMES}
        for name, made in self._controls.items():
            if self.offers is not None:
                made.observe(self.report_errors(partial(self._follow, name)), "value")
        self._row = RunRow(self, self._pressed_run, self.stop)
        self._answer, self._both, self._followed = area("answer"), area("both"), area("followed")
        self._show(self.job.progress)
        prompt, *others = self._controls.values()
        told = _LIVE if self.offers is None else _RECORDED if self.offers else _NOTHING
        return [
            *(row(prompt), row(*others), area("offline", str(lines(told)))),
            *(self._followed, self._row.box, self.status, self._answer, self._both),
        ]

    def draw(self, progress: Progress[Answer]) -> None:
        """Show ``progress`` in the controls, if there are any."""
        if self.is_built:
            self._show(progress)

    def _control(self, name: str, first: Setting) -> Any:
        if self.offers is None:
            return text_box(name, name, in_short(first.get(name)))
        options = [(words or "(left out)", words) for words in choices(self.offers, name)]
        return choice(name, name, options, in_short(first.get(name)))

    def _follow(self, changed: str) -> None:
        """Have the other controls follow the one that was changed."""
        with self._turning:
            if self._following or self.offers is None:
                return
            self._following = True
            try:
                words = self._words()
                setting = nearest(self.offers, words, changed)
                for name, made in self._controls.items():
                    made.value = in_short(setting.get(name))
                self._followed.value = _said(followed(words, setting, changed))
            finally:
                self._following = False

    def _words(self) -> dict[str, str]:
        return {name: str(made.value) for name, made in self._controls.items()}

    def _asking(self, read: Callable[[RunContext], Setting]) -> Work[Answer]:
        def work(turn: RunContext) -> Generator[Answer]:
            options = dict(read(turn))
            question = [UserMessage(str(options.pop("prompt")))]
            yield from answering(self._client, question, **options)(turn)

        return work

    def _pressed_run(self) -> bool:
        return self.job.start(self._asking(self._read_controls), Answer())

    def _read_controls(self, turn: RunContext) -> Setting:
        turn.sleep(widgets.SETTLED)
        with self._turning:
            words = self._words()
        if self.offers is not None:
            return nearest(self.offers, words, "prompt")
        if not words["prompt"].strip():
            raise BadParameterError("There is no prompt to send.", advice="write one.")
        read = {name: take(words[name]) for name, take in PARAMETERS.items()}
        return {"prompt": words["prompt"], **read}

    def _ended(self, progress: Progress[Answer]) -> None:
        if progress.value.completion is not None:
            self.answers = [*self.answers, progress.value.completion][-2:]

    def _show(self, progress: Progress[Answer]) -> None:
        self._row.draw(progress.state == "running")
        whole = progress.state in ("ready", "finished")
        self._answer.value = "" if whole else streamed(progress.value).html
        self._both.value = side_by_side(self.answers).html
        self.say(progress.state, ended(progress))


def side_by_side(answers: Sequence[ChatCompletions]) -> View:
    """The answers beside each other, the newest on the right: settings, text and usage."""
    if not answers:
        return View("<p>No answer yet.</p>", "No answer yet.")
    head = ["", *["the one before", "the last answer"][-len(answers) :]]
    settings = [setting_of(answer) for answer in answers]
    rows = {
        "prompt": [setting["prompt"] for setting in settings],
        "parameters": [_parameters(setting) for setting in settings],
        "answer": [answer.content or "(no text)" for answer in answers],
        "finish_reason": [answer.finish_reason for answer in answers],
        "prompt tokens": [_tokens(answer.usage, "prompt_tokens") for answer in answers],
        "completion tokens": [_tokens(answer.usage, "completion_tokens") for answer in answers],
    }
    return table(head, [[name, *cells] for name, cells in rows.items()])


def _said(words: str) -> str:
    return str(_FOLLOWED.format(lines(words))) if words else ""


def _tokens(usage: CompletionsUsage, name: str) -> object:
    return "(not told)" if usage.raw.get(name) is None else getattr(usage, name)


def _parameters(setting: Mapping[str, Any]) -> str:
    named = [f"{name}={in_short(setting[name])}" for name in PARAMETERS if name in setting]
    return "\n".join(named) or "(none)"
