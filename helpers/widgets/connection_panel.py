"""``connection_panel``: what the lessons are connected to, a test of it, and a way to go live.

A key that is entered here is kept in this process. It is in no file, in no environment variable, in
no text that the panel shows, and in the state of no widget once the panel has taken it.
"""

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from azure.core.credentials import AzureKeyCredential

from helpers.client.client import ChatCompletionsClient, Messages
from helpers.client.errors import ConfigurationError
from helpers.client.responses import ChatCompletions
from helpers.client.routes import FORMS, route_for
from helpers.connect import Settings, build_client, override_settings
from helpers.views.view import View
from helpers.widgets import panel as widgets
from helpers.widgets.ask import patient
from helpers.widgets.connection_facts import Connection, facts, said
from helpers.widgets.job import Job, Progress, RunContext, Work
from helpers.widgets.panel import Panel, area, button, password_box, row, taken, text_box
from helpers.widgets.run_row import RunRow

Shown = tuple[ChatCompletionsClient, ChatCompletions]
_PLACE = "https://my-resource.services.ai.azure.com/models"
_NO_KEY = "leave it empty to sign in with Entra ID"
_KEPT = "kept in this kernel; enter another to replace it"
_TAKEN = (
    "The key is kept in the memory of this kernel and nowhere else. Its box is empty again, so "
    "that it can't be saved with the notebook."
)


def connection_panel(
    lesson: str, messages: Messages, *, shown: Shown | None = None
) -> "ConnectionPanel":
    """A panel that tests the connection of ``lesson`` with one call, which sends ``messages``.

    ``shown``: a client of the lesson and an answer that it gave, which stand for a test as long as
    the lesson is connected like that client; showing the panel sends nothing.
    Raises what ``connect`` raises.
    """
    return ConnectionPanel(lesson, messages, shown=shown)


class ConnectionPanel(Panel):
    """The panel that ``connection_panel`` makes; ``client`` is what it is connected by."""

    name = "connection"
    note = (
        "Run this cell in JupyterLab, and it is a panel: it tests the connection at the press of a "
        "button, and takes an endpoint, a model and a key of your own."
    )

    def __init__(self, lesson: str, messages: Messages, *, shown: Shown | None = None) -> None:
        self._lesson, self._messages = lesson, list(messages)
        self._key: AzureKeyCredential | None = None
        self._key_is_for: object = None
        self._now = Connection(*build_client(lesson), Settings())
        if shown and self._now.is_by(shown[0]):
            self._now = replace(self._now, answer=shown[1])
        self.job: Job[Connection] = Job(self._now, self.draw, self._ended)

    @property
    def client(self) -> ChatCompletionsClient:
        """The client of the connection that was tested last and worked; at first the lesson's."""
        return self._now.client

    def take(self, key: str) -> bool:
        """Keep ``key`` for the endpoint that is tested next; False if there is none in it."""
        if not key.strip():
            return False
        self._key, self._key_is_for = AzureKeyCredential(key.strip()), None
        return True

    def test(self, endpoint: str = "", model: str = "") -> bool:
        """Test a connection to ``endpoint``, or, without one, the one that there is.

        One that works is used from then on. False, and nothing is done, if a test is under way.
        """
        return self.job.start(self._testing(lambda turn: (endpoint, model)), self._now)

    def stop(self) -> bool:
        """Give up the test: nothing has changed. False if there is none."""
        return self.job.stop()

    def forget(self) -> None:
        """Forget the key and all that was entered: be as a new kernel is."""
        self.job.stop()
        self._key = None
        override_settings(Settings())
        self._now = Connection(*build_client(self._lesson), Settings())
        self.job.reset(self._now)

    def static_view(self) -> View:
        """What the lesson is connected to, and what a test of it said."""
        return facts(self._now, said(self.job.progress) or "not tested yet")

    def build(self) -> list[Any]:
        """The facts; boxes for an endpoint, a model and a key; the buttons and the status."""
        self._facts = area("facts")
        self._endpoint = text_box("Endpoint", "endpoint", placeholder=_PLACE)
        self._model = text_box("Model", "model", placeholder="my-deployment")
        self._box = password_box("Key", "key")
        self._box.observe(self.report_errors(self._left_key), "value")
        forget = button(
            "Forget",
            "forget",
            self.report_errors(self._pressed_forget),
            hint="Drop what was entered",
        )
        self._row = RunRow(
            self, self._pressed_test, self.stop, forget,
            label="Test the connection", hint="Make one short call",
        )  # fmt: skip
        self._show(self.job.progress)
        boxes = [row(box) for box in (self._endpoint, self._model, self._box)]
        return [self._facts, *boxes, self._row.box, self.status]

    def draw(self, progress: Progress[Connection]) -> None:
        """Show ``progress`` in the controls, if there are any."""
        if self.is_built:
            self._show(progress)

    def _testing(self, read: Callable[[RunContext], tuple[str, str]]) -> Work[Connection]:
        def work(turn: RunContext) -> Generator[Connection]:
            endpoint, model = map(str.strip, read(turn))
            found = self._now
            if endpoint or model or self._key_is_new():
                settings = self._settings(endpoint, model)
                found = Connection(*build_client(self._lesson, settings), settings)
            answer = patient(found.client, turn).complete(self._messages)
            yield Connection(found.client, found.told, found.entered, answer)

        return work

    def _key_is_new(self) -> bool:
        return self._key is not None and self._key_is_for is None

    def _settings(self, endpoint: str, model: str) -> Settings:
        """What was entered, in place of all that the environment may hold."""
        if not endpoint:
            raise ConfigurationError("There is no endpoint.", advice=f"enter one: {FORMS}.")
        url = route_for(endpoint).endpoint
        place = (url.scheme, url.host, url.port)
        if self._key is not None and self._key_is_for not in (None, place):
            raise ConfigurationError(
                "The key that was entered is that of another endpoint. Nothing was sent.",
                advice="enter the key of this one; to sign in with Entra ID, press Forget first.",
            )
        self._key_is_for = place
        return Settings(
            AZURE_INFERENCE_ENDPOINT=endpoint,
            AZURE_INFERENCE_CREDENTIAL=self._key.key if self._key else None,
            AZURE_INFERENCE_MODEL=model,
            TUTORIAL_MODE="live",
            TUTORIAL_ROUTE=None,
        )

    def _ended(self, progress: Progress[Connection]) -> None:
        """What works is used."""
        if progress.state == "finished":
            self._now = progress.value
            if self._now.entered:
                override_settings(self._now.entered)

    def _left_key(self) -> None:
        if self.take(taken(self._box)):
            self._box.placeholder = _KEPT
            self.say("running" if self.job.running else "ready", _TAKEN)

    def _pressed_test(self) -> None:
        self.job.start(self._testing(self._read_boxes), self._now)

    def _read_boxes(self, turn: RunContext) -> tuple[str, str]:
        turn.sleep(widgets.SETTLED)
        return self._endpoint.value, self._model.value

    def _pressed_forget(self) -> None:
        taken(self._box)
        self._endpoint.value = self._model.value = ""
        self.forget()
        self.say("ready", "All that was entered is forgotten.")

    def _show(self, progress: Progress[Connection]) -> None:
        self._row.draw(progress.state == "running")
        self._box.placeholder = _KEPT if self._key else _NO_KEY
        self._facts.value = facts(self._now).html
        self.say(progress.state, said(progress))
