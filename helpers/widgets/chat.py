"""``chat``: a conversation to go on with, whose messages can be sent again from a cell."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup

from helpers.client.client import ChatCompletionsClient, Messages
from helpers.client.messages import JSON, AssistantMessage, UserMessage, content_text
from helpers.views.view import View
from helpers.widgets.ask import Answer, answering
from helpers.widgets.html import ended, lines, shown
from helpers.widgets.job import Job, Progress
from helpers.widgets.panel import (
    Panel,
    area,
    button,
    column,
    named,
    on_enter,
    row,
    text_box,
)
from helpers.widgets.run_row import RunRow

_WHO = {"system": "Instructions", "developer": "Instructions", "user": "You", "assistant": "Model"}
_MESSAGE = Markup('<p class="cc-text" data-role="{}"><b>{}:</b> {}</p>')


def chat(client: ChatCompletionsClient, messages: Messages = (), **options: Any) -> "Chat":
    """A chat that goes on from ``messages``: Send asks ``client``, Stop keeps what has come.

    Showing it asks nothing. ``options``: as for ``client.stream``. The conversation is in
    ``messages`` of what you get, as dicts that can be sent again.
    """
    return Chat(client, messages, **options)


class Chat(Panel):
    """The panel that ``chat`` makes."""

    name = "chat"
    note = (
        "Run this cell in JupyterLab, and you can go on with the conversation: there is a box for "
        "your message."
    )

    def __init__(
        self, client: ChatCompletionsClient, messages: Messages = (), **options: Any
    ) -> None:
        self.messages: list[JSON] = [_as_dict(message) for message in messages]
        self._start = list(self.messages)
        self._questions: list[str] = []
        self._client, self._options = client, options
        self._asked = ""
        self._before: list[JSON] = []
        self.job: Job[Answer] = Job(Answer(), self.draw, self._ended)

    def send(self, text: str) -> bool:
        """Ask the next question; False, and nothing is done, without one or during an answer."""
        if not text.strip() or self.job.running:
            return False
        if text not in self._questions:
            self._questions.append(text)
        self._asked, self._before = text, list(self.messages)
        messages: list[Any] = [*self._before, UserMessage(text)]
        return self.job.start(answering(self._client, messages, **self._options), Answer())

    def ask(self, text: str) -> str:
        """The same from a cell: send ``text``, wait for the answer, and return its text.

        Raises what went wrong (``ChatError``), ``ValueError`` if nothing could be sent.
        """
        if not self.send(text):
            raise ValueError("There is no text to send, or an answer is still on its way.")
        return self.job.result().text

    def stop(self) -> bool:
        """End the answer now: what has arrived becomes its message. False if none is coming."""
        return self.job.stop()

    def clear(self) -> None:
        """Go back to the messages with which the chat began."""
        self.job.stop()
        self.messages = list(self._start)
        self.job.reset(Answer())

    def export(self) -> str:
        """The conversation as JSON, which is also a list of Python unless it holds a null."""
        return json.dumps(self.messages, indent=2, ensure_ascii=False)

    def static_view(self) -> View:
        """The conversation so far."""
        return conversation(self.messages)

    def build(self) -> list[Any]:
        """The conversation, a box for the next message, and the buttons."""
        self._history, self._coming = area("history"), area("answer")
        log = named(column(column(self._history, self._coming)), "log")
        log.tabbable = True  # so that arrow keys can scroll it
        self._box = text_box("Message", "message", placeholder="Your next message")
        on_enter(self._box, self.report_errors(self._pressed_send))
        clear = button(
            "Clear", "clear", self.report_errors(self._pressed_clear), hint="Back to the beginning"
        )
        export = button(
            "Export",
            "export",
            self.report_errors(self._pressed_export),
            hint="The messages as JSON",
        )
        self._row = RunRow(
            self, self._pressed_send, self.stop, clear, export,
            label="Send", hint="Send the message", settles=True,
        )  # fmt: skip
        self._exported = text_box("Messages as JSON", "exported", rows=8)
        self._exported.layout.display = "none"
        self._show(self.job.progress)
        return [log, row(self._box), self._row.box, self.status, self._exported]

    def draw(self, progress: Progress[Answer]) -> None:
        """Show ``progress`` in the controls, if there are any."""
        if self.is_built:
            self._show(progress)

    def _ended(self, progress: Progress[Answer]) -> None:
        """Keep the question with what was answered; without an answer it can be sent again."""
        answer = progress.value
        if answer.completion is not None:
            said = answer.completion.message.as_dict()
        elif answer.count:
            said = AssistantMessage(answer.text).as_dict()
        else:
            return
        self.messages = [*self._before, UserMessage(self._asked).as_dict(), said]

    def _pressed_send(self) -> None:
        text, self._box.value = self._box.value, ""  # first, as a question that fails comes back
        if not self.send(text):
            self._box.value = text
            if not self.job.running:
                self.say("ready", "Write a message first.")

    def _pressed_clear(self) -> None:
        self._row.drop()
        self.clear()

    def _pressed_export(self) -> None:
        self._exported.value = self.export()
        layout = self._exported.layout
        layout.display = None if layout.display else "none"

    def _show(self, progress: Progress[Answer]) -> None:
        state, answer = progress.state, progress.value
        running = state == "running"
        history, coming = self.messages, ""
        if running:
            asked = UserMessage(self._asked).as_dict()
            said = AssistantMessage(answer.text or "…").as_dict()
            history, coming = self._before, conversation([asked, said]).html
        elif state in ("failed", "stopped") and not answer.count:
            self._box.value = self._box.value or self._asked  # to be sent again
        self._row.draw(running)
        self._box.options = self._questions
        self._history.value, self._coming.value = conversation(history).html, coming
        if not self._exported.layout.display:
            self._exported.value = self.export()
        self.say(state, ended(progress))


def conversation(messages: Iterable[Mapping[str, Any]]) -> View:
    """What was said, by whom; of what is no text, its kind."""
    said = [(_role(message), _words(message)) for message in messages]
    if not said:
        return View("<p>No message yet.</p>", "No message yet.")
    who = [(role, _WHO.get(role, shown(role).capitalize()), words) for role, words in said]
    html = Markup("\n").join(_MESSAGE.format(role, name, lines(words)) for role, name, words in who)
    return View(str(html), "\n\n".join(f"{name}: {shown(words)}" for _, name, words in who))


def _role(message: Mapping[str, Any]) -> str:
    return str(message.get("role") or "unknown")


def _words(message: Mapping[str, Any]) -> str:
    return content_text(message.get("content")) or "(no text)"


def _as_dict(message: Any) -> JSON:
    return dict(message) if isinstance(message, Mapping) else message.as_dict()
