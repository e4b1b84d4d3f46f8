"""``ContentFilterBox``: send a sentence, and see what the content filter says of it."""

from collections.abc import Generator, Mapping
from typing import Any

from markupsafe import Markup

from helpers.client.client import ChatCompletionsClient, Messages
from helpers.client.errors import ContentFilterError
from helpers.client.responses import ChatCompletions
from helpers.client.text import one_line
from helpers.views.content_filter import filter_results, severity
from helpers.views.view import View, answer_text, table
from helpers.widgets.ask_panel import AskPanel, announce_waits, user_message
from helpers.widgets.job import Progress, Run
from helpers.widgets.panel import escape_lines, safe_text

Outcome = ChatCompletions | ContentFilterError
"""An answer, or the error by which the filter refused the prompt."""
MAX_SENTENCES = 12
"""Sentences that are listed. After that the oldest is dropped."""

_NEWEST = Markup('<p class="cc-text"><b>{}</b><br>{}</p>\n{}\n<p><b>All sentences</b></p>\n{}')


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
    limit = "The small model on this machine has no content filter, so these stay recorded."

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
            yield announce_waits(self.client, run).complete(**self.arguments(request))
        except ContentFilterError as refusal:
            yield refusal

    def ended(self, progress: Progress[Outcome | None]) -> None:
        """Keep the outcome, as the newest."""
        if progress.value is not None and self.request is not None:
            others = {text: one for text, one in self.outcomes.items() if text != self.request}
            kept = list(others.items())[1 - MAX_SENTENCES :]
            self.outcomes = dict([*kept, (self.request, progress.value)])

    def show_results(self, progress: Progress[Outcome | None]) -> None:
        """Show the outcomes. While a new sentence has none, the others are in the list only."""
        with_newest = progress.state == "ready" or progress.value is not None
        self.answer.value = outcomes_view(self.outcomes, with_newest=with_newest).html

    def status_words(self, progress: Progress[Outcome | None]) -> str:
        """Return whether the newest sentence was refused or cut."""
        return progress.words or ("" if progress.value is None else outcome_words(progress.value))


def outcome_words(outcome: Outcome) -> str:
    """Return whether the filter refused or cut something, and because of what, in words."""
    results = filter_results(outcome)
    because = ", ".join(
        f"{one_line(name, 80)} ({one_line(verdict.level, 80)})"
        for verdicts in results.values()
        for name, verdict in verdicts.items()
        if verdict.filtered
    )
    because = because or "the filter does not say why"
    if isinstance(outcome, ContentFilterError):
        return f"Refused, the model never saw it: {because}."
    if outcome.finish_reason == "content_filter":
        return f"Not refused, but the answer was cut: {because}."
    if any(verdict.error is not None for verdict in results.get("answer", {}).values()):
        return "Not refused; the filter did not check the answer."
    if not outcome.content:
        return f"Not refused by the filter. {answer_text(outcome)}"
    return "Not refused."


def outcomes_view(outcomes: Mapping[str, Outcome], *, with_newest: bool = True) -> View:
    """Return the newest sentence with the filter's chart, then all sentences with their outcome."""
    if not outcomes:
        return View("<p>No sentence yet.</p>", "No sentence yet.")
    rows = [(text, outcome_words(outcome)) for text, outcome in outcomes.items()]
    listed = table(["sentence", "what happened"], rows)
    if not with_newest:
        return listed
    sentence, newest = list(outcomes.items())[-1]
    words = outcome_words(newest)
    if not isinstance(newest, ContentFilterError) and newest.content:
        words += f"\nAnswer: {newest.content}"
    chart = severity(filter_results(newest))
    html = _NEWEST.format(
        escape_lines(sentence), escape_lines(words), Markup(chart.html), Markup(listed.html)
    )
    plain = [safe_text(sentence), safe_text(words), "", chart.plain, "", "All sentences", ""]
    return View(str(html), "\n".join([*plain, listed.plain]))
