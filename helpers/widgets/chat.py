"""``Chat``: a conversation to go on with, whose messages can be sent again from a cell."""

import json
from collections.abc import Mapping
from typing import Any

from helpers.client.client import ChatCompletionsClient, Messages
from helpers.client.messages import JSON, AssistantMessage, UserMessage
from helpers.views.conversation import conversation
from helpers.views.view import View
from helpers.widgets.ask_panel import AskPanel, StreamedAnswer, snapshot_text, user_message
from helpers.widgets.job import Snapshot
from helpers.widgets.panel import area, column, labelled, named


class Chat(AskPanel[str, StreamedAnswer]):
    """A chat that goes on from ``messages``: Send asks ``client``, Stop keeps what has arrived.

    ``messages`` holds the conversation as dicts that can be sent again.
    """

    name = "chat"
    note = "you can go on with the conversation: there is a box for your message."
    question = "Message", "Your next message"
    run_label, run_hint = "Send", "Send the message"
    no_examples = "No more: press Clear"

    def __init__(self, client: ChatCompletionsClient, messages: Messages = ()) -> None:
        self.messages: list[JSON] = [_as_dict(message) for message in messages]
        self._start = list(self.messages)
        self._reasons: dict[int, str | None] = {}  # why an answer ended, by its place
        super().__init__(client, StreamedAnswer())

    def ask(self, text: str) -> str:
        """Send ``text`` from a cell, as ``run_and_wait`` does, and return what is answered."""
        return self.run_and_wait(text)

    def clear(self) -> None:
        """Go back to the messages that the chat began with."""
        self.job.stop()
        self.messages, self._reasons = list(self._start), {}
        self.job.reset(StreamedAnswer())

    def export(self) -> str:
        """Return the conversation as JSON."""
        return json.dumps(self.messages, indent=2, ensure_ascii=False)

    def static_view(self) -> View:
        """Return the conversation so far."""
        return conversation(self.messages, self._reasons)

    def build(self) -> list[Any]:
        """Make the conversation, the form with its buttons, and a place for the export."""
        *controls, _ = super().build()  # the answer stands below the conversation
        self._history = area("history")
        log = named(column(column(self._history, self.answer)), "log")
        log.tabbable = True  # so that arrow keys can scroll it
        self._exported = labelled(
            "Textarea", "Messages as JSON", "exported", "wide", "above", rows=8
        )
        self._exported.layout.display = "none"
        return [log, *controls, self._exported]

    def more_buttons(self) -> list[Any]:
        """Make the buttons Clear and Export."""
        return [
            self.button("Clear", "clear", self.clear, "Back to the beginning"),
            self.button("Export", "export", self._toggle_export, "The messages as JSON"),
        ]

    def read(self) -> str:
        """Take the message out of its box, which is free for the next one."""
        self.request, self.box.value = str(self.box.value), ""
        return self.request

    def arguments(self, request: str) -> dict[str, Any]:
        """Return the message after all earlier ones."""
        return {"messages": [*self.messages, user_message(request, "message")]}

    def ended(self, snapshot: Snapshot[StreamedAnswer]) -> None:
        """Keep the question with its answer. Without an answer, put it back into its box."""
        answer, question, self.request = snapshot.value, self.request or "", None
        if answer.completion is not None:
            reply = answer.completion.message.as_dict()
            self._reasons[len(self.messages) + 1] = answer.completion.finish_reason
        elif answer.arrivals:
            text, refusal = answer.text or None, answer.refusal or None
            reply = AssistantMessage(text, refusal=refusal).as_dict()
        else:
            if self.is_built:
                self.box.value = self.box.value or question
            return
        self.messages = [*self.messages, UserMessage(question).as_dict(), reply]

    def show(self, snapshot: Snapshot[StreamedAnswer]) -> None:
        """Show the question and its answer as far as it has arrived."""
        coming = ""
        if snapshot.state == "running" and (question := self.request):
            reply = AssistantMessage(snapshot_text(snapshot)).as_dict()
            coming = conversation([UserMessage(question).as_dict(), reply]).html
        self.answer.value = coming

    def show_results(self, snapshot: Snapshot[StreamedAnswer]) -> None:
        """Show the conversation, its export, and what can follow."""
        self._history.value = self.static_view().html
        self._exported.value = self.export()
        self.list_examples()

    def _toggle_export(self) -> None:
        layout = self._exported.layout
        layout.display = None if layout.display else "none"


def _as_dict(message: Any) -> JSON:
    return dict(message) if isinstance(message, Mapping) else message.as_dict()
