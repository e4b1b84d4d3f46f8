"""A connection: what is known of it, and what a test of it said, in words."""

import textwrap
from dataclasses import dataclass

from helpers.client.client import ChatCompletionsClient
from helpers.client.responses import ChatCompletions
from helpers.client.text import one_line, sanitize, shorten
from helpers.connect import Settings
from helpers.recordings.record import RecordingTransport
from helpers.recordings.replay import ReplayTransport
from helpers.views.view import View, table
from helpers.widgets.job import Progress

MAX_QUOTE = 80
"""Characters of the answer to a test that are shown."""

_MODES = {
    "replay": "replay: recorded answers, nothing is sent",
    "live": "live: every call is sent",
    "record": "record: every call is sent, and its answer written down",
}
_HANDED_ON = (
    "The panel's client and connect() use it from now on, in this notebook, until you press Forget "
    "or restart the kernel. Other notebooks have kernels of their own: for them write a file .env."
)
_UNCHANGED = "The connection is the same as before."


@dataclass(frozen=True)
class Connection:
    """A client, the line that says whose answers it gives, and its answer when it was tested.

    ``entered``: the settings that it was made from, if it was made here.
    """

    client: ChatCompletionsClient
    told: str
    entered: Settings
    answer: ChatCompletions | None = None

    @property
    def mode(self) -> str:
        """``replay``, ``live`` or ``record``."""
        kinds = {ReplayTransport: "replay", RecordingTransport: "record"}
        return kinds.get(type(self.client.transport), "live")

    def is_by(self, client: ChatCompletionsClient) -> bool:
        """Whether ``client`` asks the same model at the same place in the same mode."""
        return _asks(client) == _asks(self.client)

    @property
    def credential(self) -> str:
        """What kind of credential the calls carry."""
        if self.mode == "replay":
            return "none needed"
        kinds = {"none": "none: the server is on this machine", "token": "a token of Entra ID"}
        return kinds.get(self.client.credential_kind, "a key")


def _asks(client: ChatCompletionsClient) -> tuple[object, ...]:
    return type(client.transport), client.route, client.model


def facts(now: Connection, test: str | None = None) -> View:
    """What is known of a connection as a table; ``test``: what a test of it said."""
    rows = {
        "mode": _MODES[now.mode],
        "route": now.client.route.name,
        "model": now.client.model or "(none named)",
        "credential": now.credential,
        "answers": now.told.removeprefix("Answers: "),
    }
    return table(["connection", "now"], (rows | ({"test": test} if test else {})).items())


def said(progress: Progress[Connection]) -> str:
    """What a test says, in words; empty if there was none, or as long as it is under way."""
    match progress.state:
        case "stopped":
            return _UNCHANGED
        case "failed":
            return f"{progress.words}\n{_UNCHANGED}"
        case "ready" | "finished" if progress.value.answer is not None:
            return _worked(progress.value, progress.value.answer)
        case _:
            return progress.words


def _worked(now: Connection, answer: ChatCompletions) -> str:
    text = textwrap.shorten(sanitize(shorten(answer.content)), MAX_QUOTE, placeholder=" …")
    quote = f"“{text}”" if text else "without text"
    if now.mode == "replay":
        return f"The recording answers {quote}. Nothing was sent: for a test, enter an endpoint."
    headers = answer.exchange.response_headers if answer.exchange else {}
    scripted = headers.get("x-answered-by") == "stand-in"
    who = "the stand-in endpoint (scripted: no model)" if scripted else one_line(answer.model)
    return f"It works: {who} answers {quote}." + (f"\n{_HANDED_ON}" if now.entered else "")
