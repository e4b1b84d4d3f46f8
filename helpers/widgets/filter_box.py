"""``ContentFilterBox``: send a sentence, and see what the content filter says of it."""

from collections.abc import Generator, Mapping
from typing import Any

from helpers.client.client import ChatCompletionsClient, Messages
from helpers.client.errors import ContentFilterError
from helpers.views.content_filter import Outcome, outcome_words, outcomes_view
from helpers.views.view import View
from helpers.widgets.ask_panel import AskPanel, user_message, whole_answer
from helpers.widgets.job import Run, Snapshot


class ContentFilterBox(AskPanel[str, Outcome | None]):
    """A box for a sentence, which is sent after the messages ``before``, and the filter's verdict.

    ``initial``: sentences that the lesson has sent, and their outcomes. ``outcomes`` holds the
    outcome of each sentence, the newest last.
    """

    name = "content-filter"
    note = "there is a box: it sends another sentence and shows its chart."
    question = "Sentence", "Any sentence"
    run_hint = "Send the sentence"
    streams = False
    small_model_limit = "has no content filter"

    def __init__(
        self,
        client: ChatCompletionsClient,
        before: Messages = (),
        *,
        initial: Mapping[str, Outcome],
    ) -> None:
        self._before = list(before)
        self.outcomes: dict[str, Outcome] = dict(initial)
        super().__init__(client, None)

    def static_view(self) -> View:
        """Return the sentences, and the chart of the newest."""
        return outcomes_view(self.outcomes)

    def arguments(self, request: str) -> dict[str, Any]:
        """Return the sentence after the messages before it."""
        return {"messages": [*self._before, user_message(request, "sentence")]}

    def send(self, request: str, run: Run[Any]) -> Generator[Any]:
        """Send the sentence. That the filter refuses it is a result, and no failure."""
        try:
            yield whole_answer(self.client, run, **self.arguments(request))
        except ContentFilterError as refusal:
            yield refusal

    def ended(self, snapshot: Snapshot[Outcome | None]) -> None:
        """Keep the outcome, as the newest."""
        if snapshot.value is not None and self.request is not None:
            others = {text: one for text, one in self.outcomes.items() if text != self.request}
            self.outcomes = {**others, self.request: snapshot.value}

    def show_results(self, snapshot: Snapshot[Outcome | None]) -> None:
        """Show the outcomes. While a new sentence has none, the others are in the list only."""
        with_newest = snapshot.state == "ready" or snapshot.value is not None
        self.answer.value = outcomes_view(self.outcomes, with_newest=with_newest).html

    def status_words(self, snapshot: Snapshot[Outcome | None]) -> str:
        """Return whether the newest sentence was refused or cut."""
        return snapshot.words or ("" if snapshot.value is None else outcome_words(snapshot.value))
