"""``ConnectionPanel``: what the lessons are connected to, a test of it, and a way to go live.

A key that is entered here is kept in this process. It is in no file, in no environment variable, in
no text that the panel shows, and in the state of no widget once the panel has taken it.
"""

import textwrap
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

from azure.core.credentials import AzureKeyCredential

from helpers.client.client import ChatCompletionsClient, Messages
from helpers.client.errors import ConfigurationError
from helpers.client.redaction import one_line, sanitize, shorten
from helpers.client.responses import ChatCompletions
from helpers.client.routes import ENDPOINT_FORMS, route_for
from helpers.connect import Settings, build_client, override_settings
from helpers.recordings.cassette import SCRIPT
from helpers.recordings.record import RecordingTransport
from helpers.recordings.replay import ReplayTransport
from helpers.views.view import View, answer_text, table
from helpers.widgets.ask_panel import AskPanel, whole_answer
from helpers.widgets.job import Run, Snapshot
from helpers.widgets.local_model_button import SMALL_MODEL
from helpers.widgets.panel import row

MAX_QUOTE = 80
"""Characters of the answer to a test that are shown."""

_PLACE = "https://my-resource.openai.azure.com/openai/v1"
_NO_KEY = "empty: sign in with Entra ID"
_KEPT = "kept in this kernel; enter another to replace it"
_TAKEN = (
    "The key is kept in the memory of this kernel and nowhere else. Its box is empty again, so "
    "that it can't be saved with the notebook."
)
_MODES = {
    "replay": "replay: recorded answers, nothing is sent",
    "live": "live: every call is sent",
    "record": "record: every call is sent, and its answer written down",
}
_CREDENTIALS = {
    "key": "a key",
    "none": "none: the server is on this machine",
    "token": "a token of Entra ID",
}
_IN_USE = (
    "The panel's client and connect() use it from now on, in this notebook, until you press Forget "
    "or restart the kernel. Other notebooks have kernels of their own: for them write a file .env."
)
_UNCHANGED = "The connection is the same as before."
_BOXES = {
    "AZURE_INFERENCE_ENDPOINT": "the box Endpoint",
    "AZURE_INFERENCE_MODEL": "the box Model",
    "AZURE_INFERENCE_CREDENTIAL": "the box Key",
}
"""What an error calls a setting, and what it is here."""


@dataclass(frozen=True)
class Connection:
    """A client, the line that says whose answers it gives, and its answer when it was tested.

    ``settings``: those that were entered in the panel for it; empty if none were.
    """

    client: ChatCompletionsClient
    provenance: str
    settings: Settings
    answer: ChatCompletions | None = None

    @property
    def mode(self) -> str:
        """``replay``, ``live`` or ``record``."""
        kinds = {ReplayTransport: "replay", RecordingTransport: "record"}
        return kinds.get(type(self.client.transport), "live")


class ConnectionPanel(AskPanel[tuple[str, str], Connection | None]):
    """A panel that tests the connection of ``lesson`` with one call, which sends ``messages``.

    ``initial``: a client of the lesson and an answer that it gave, which count as a test if the
    lesson is connected like that client. A request is an endpoint and a model; without an endpoint
    the current ``connection`` is tested. Raises what ``connect`` raises.
    """

    name = "connection"
    note = (
        "it is a panel: it tests the connection at the press of a button, and takes an endpoint, a "
        "model and a key of your own."
    )
    run_label, run_hint = "Test the connection", "Make one short call"
    no_examples = ""

    def __init__(
        self,
        lesson: str,
        messages: Messages,
        *,
        initial: tuple[ChatCompletionsClient, ChatCompletions] | None = None,
    ) -> None:
        self._lesson, self._messages = lesson, list(messages)
        self._key: AzureKeyCredential | None = None
        self._key_is_for: object = None
        connection = Connection(*build_client(lesson), Settings())
        if initial:
            clients = (connection.client, initial[0])
            here, there = ((type(one.transport), one.route, one.model) for one in clients)
            connection = replace(connection, answer=initial[1] if here == there else None)
        self.connection = connection
        super().__init__(connection.client, None)
        SMALL_MODEL.panels.add(self)

    def use(self, client: ChatCompletionsClient | None) -> None:
        """Connect as ``connect`` does now."""
        self.connection = Connection(*build_client(self._lesson), Settings())
        super().use(self.connection.client)
        self.job.reset(None)

    def forget(self) -> None:
        """Forget the key and all that was entered, as a new kernel would."""
        self._key = None
        self._endpoint.value = self._model.value = self._key_box.value = ""
        SMALL_MODEL.forget()
        override_settings(Settings())
        self.use(None)
        self.set_status("ready", "All that was entered is forgotten.")

    def static_view(self) -> View:
        """Return what the lesson is connected to, and what a test of it said."""
        words = self.status_words(self.job.snapshot) or "not tested yet"
        return connection_table(self.connection, words)

    def build(self) -> list[Any]:
        """Make the table; below it the form, the buttons and the status line."""
        *controls, table = super().build()
        return [table, *controls]

    def form(self) -> list[Any]:
        """Make the boxes for an endpoint, a model and a key."""
        self._endpoint = self.text_box("Endpoint", placeholder=_PLACE)
        self._model = self.text_box("Model", placeholder="my-deployment")
        self._key_box = self.text_box("Key", "Password")
        self._key_box.observe(self.report_errors(self._take_key), "value")
        return [row(box) for box in (self._endpoint, self._model, self._key_box)]

    def more_buttons(self) -> list[Any]:
        """Make the button Forget."""
        return [self.button("Forget", "forget", self.forget, "Drop what was entered")]

    def read(self) -> tuple[str, str]:
        """Return the endpoint and the model in the boxes."""
        return self._endpoint.value.strip(), self._model.value.strip()

    def arguments(self, request: tuple[str, str]) -> dict[str, Any]:
        """Return the messages of the test, which are the same for each connection."""
        return {"messages": self._messages}

    def send(self, request: tuple[str, str], run: Run[Any]) -> Generator[Connection]:
        """Test a connection."""
        found = self.connection
        if any(request) or (self._key and not self._key_is_for):
            settings = self._settings(*request)
            found = Connection(*build_client(self._lesson, settings), settings)
        answer = whole_answer(found.client, run, **self.arguments(request))
        yield replace(found, answer=answer)

    def ended(self, snapshot: Snapshot[Connection | None]) -> None:
        """Use a connection that works from now on."""
        if snapshot.state == "finished" and snapshot.value is not None:
            self.connection = snapshot.value
            self.client = self.connection.client
            if self.connection.settings:
                override_settings(self.connection.settings)

    def show_results(self, snapshot: Snapshot[Connection | None]) -> None:
        """Show the table."""
        self._key_box.placeholder = _KEPT if self._key else _NO_KEY
        self.answer.value = connection_table(self.connection).html

    def status_words(self, snapshot: Snapshot[Connection | None]) -> str:
        """Return what the test says; nothing if there was none, or as long as it is under way."""
        match snapshot.state:
            case "stopped":
                return _UNCHANGED
            case "failed":
                words = snapshot.words
                for name, box in _BOXES.items() if any(self.request or ()) else ():
                    words = words.replace(name, box)
                return f"{words}\n{_UNCHANGED}"
            case "ready" | "finished" if (answer := self.connection.answer) is not None:
                return _success_words(self.connection, answer)
            case _:
                return snapshot.words

    def _settings(self, endpoint: str, model: str) -> Settings:
        """Return what was entered, in place of everything that the environment may hold."""
        if not endpoint:
            raise ConfigurationError(
                "There is no endpoint.", advice=f"enter one: {ENDPOINT_FORMS}."
            )
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

    def _take_key(self) -> None:
        """Keep what was entered for the endpoint that is tested next, and empty the box."""
        if key := self._key_box.value.strip():
            self._key_box.value = ""
            self._key, self._key_is_for = AzureKeyCredential(key), None
            self._key_box.placeholder = _KEPT
            state = self.job.snapshot.state
            self.set_status(state if state == "running" else "ready", _TAKEN)


def connection_table(connection: Connection, test: str | None = None) -> View:
    """Return a table of what is known of a connection. ``test``: what a test of it said."""
    client, mode = connection.client, connection.mode
    credential = "none needed" if mode == "replay" else _CREDENTIALS[client.credential_kind]
    rows = {
        "mode": _MODES[mode],
        "route": client.route.name,
        "model": client.model or "(none named)",
        "credential": credential,
        "answers": connection.provenance.removeprefix("Answers: "),
    }
    return table(["connection", "now"], (rows | ({"test": test} if test else {})).items())


def _success_words(connection: Connection, answer: ChatCompletions) -> str:
    text = textwrap.shorten(sanitize(shorten(answer_text(answer))), MAX_QUOTE, placeholder=" …")
    quote = f"“{text}”" if answer.content else text
    if connection.mode == "replay":
        return f"The recording answers {quote}. Nothing was sent: for a test, enter an endpoint."
    headers = answer.exchange.response_headers if answer.exchange else {}
    by = headers.get("x-answered-by") or answer.model
    who = "the stand-in endpoint (scripted: no model)" if by == SCRIPT else one_line(by)
    return f"It works: {who} answers {quote}." + (f"\n{_IN_USE}" if connection.settings else "")
