"""``sentence_box``: send a sentence, and see what the content filter says of it."""

from collections.abc import Callable, Generator, Mapping
from typing import Any

from markupsafe import Markup

from helpers.client.client import ChatCompletionsClient, Messages
from helpers.client.errors import BadParameterError, ContentFilterError
from helpers.client.messages import UserMessage
from helpers.client.responses import ChatCompletions
from helpers.client.text import one_line
from helpers.client.validation import check_messages
from helpers.recordings.requests import recorded_requests
from helpers.views.content_filter import filter_results, severity
from helpers.views.view import View, table
from helpers.widgets import panel as widgets
from helpers.widgets.ask import patient
from helpers.widgets.html import lines, shown
from helpers.widgets.job import Job, Progress, RunContext, Work
from helpers.widgets.panel import Panel, area, on_enter, row, text_box
from helpers.widgets.run_row import RunRow

Outcome = ChatCompletions | ContentFilterError
"""An answer, or the error by which the filter refused the prompt."""
MAX_SENTENCES = 12
"""Sentences that are listed: after that the oldest is dropped."""

_NO_MORE = "Answers are recorded here: pick one of the sentences that the box offers."
_PICK, _TYPE = "Pick a sentence", "Any sentence"
_NEWEST = Markup('<p class="cc-text"><b>{}</b><br>{}</p>\n{}\n<p><b>All sentences</b></p>\n{}')


def sentence_box(
    client: ChatCompletionsClient, before: Messages = (), *, shown: Mapping[str, Outcome]
) -> "SentenceBox":
    """A box for a sentence, which is sent after the messages ``before``, and what the filter says.

    Live it takes any sentence; a replay only those that were recorded, which the box offers.
    ``shown``: sentences that the lesson has sent, and what came of them: showing the box sends
    nothing.
    """
    return SentenceBox(client, before, shown=shown)


class SentenceBox(Panel):
    """The panel that ``sentence_box`` makes; ``outcomes`` is what came of which sentence."""

    name = "sentence-box"
    note = (
        "Run this cell in JupyterLab, and there is a box: it sends another sentence and shows its "
        "chart."
    )

    def __init__(
        self,
        client: ChatCompletionsClient,
        before: Messages = (),
        *,
        shown: Mapping[str, Outcome],
    ) -> None:
        self._client, self._before = client, list(before)
        self.sentences = recorded_sentences(client, self._before)
        self.outcomes: dict[str, Outcome] = dict(shown)
        self._asked = ""
        self.job: Job[Outcome | None] = Job(None, self.draw, self._ended)

    def run(self, sentence: str) -> bool:
        """Send ``sentence``; False, and nothing is done, while another is sent."""
        return self.job.start(self._sending(lambda turn: sentence), None)

    def stop(self) -> bool:
        """Wait no longer for an answer; False if none is on its way."""
        return self.job.stop()

    def static_view(self) -> View:
        """The sentences, and the chart of the newest."""
        return charted(self.outcomes)

    def build(self) -> list[Any]:
        """The box for a sentence and the buttons; below them what came of it."""
        recorded = self.sentences is not None
        self._box = text_box("Sentence", "sentence", placeholder=_PICK if recorded else _TYPE)
        on_enter(self._box, self.report_errors(self._pressed_run))
        told = area("offline", str(lines(_NO_MORE) if recorded else ""))
        self._row = RunRow(self, self._pressed_run, self.stop, hint="Send the sentence")
        self._outcome = area("outcome")
        self._show(self.job.progress)
        return [told, row(self._box), self._row.box, self.status, self._outcome]

    def draw(self, progress: Progress[Outcome | None]) -> None:
        """Show ``progress`` in the controls, if there are any."""
        if self.is_built:
            self._show(progress)

    def _sending(self, read: Callable[[RunContext], str]) -> Work[Outcome | None]:
        def work(turn: RunContext) -> Generator[Outcome]:
            sentence = self._asked = read(turn)
            if not sentence.strip():
                raise BadParameterError("There is no sentence to send.", advice="write one.")
            try:
                yield patient(self._client, turn).complete([*self._before, UserMessage(sentence)])
            except ContentFilterError as refusal:
                yield refusal

        return work

    def _ended(self, progress: Progress[Outcome | None]) -> None:
        """Put the sentence in the last place."""
        if progress.value is not None:
            self.outcomes.pop(self._asked, None)
            kept = list(self.outcomes.items())[1 - MAX_SENTENCES :]
            self.outcomes = dict([*kept, (self._asked, progress.value)])

    def _pressed_run(self) -> None:
        self.job.start(self._sending(self._read_box), None)

    def _read_box(self, turn: RunContext) -> str:
        turn.sleep(widgets.SETTLED)
        return str(self._box.value)

    def _show(self, progress: Progress[Outcome | None]) -> None:
        self._row.draw(progress.state == "running")
        self._outcome.value = charted(self.outcomes).html
        self._box.options = list(self.outcomes) if self.sentences is None else self.sentences
        if progress.state == "finished" and self._box.value == self._asked:
            self._box.value = ""  # a box with a text in it offers only what begins so
        told = "" if progress.value is None else happened(progress.value)
        self.say(progress.state, progress.words or told)


def recorded_sentences(client: ChatCompletionsClient, before: Messages) -> list[str] | None:
    """The sentences that can be sent after ``before`` without a network; None of a live client."""
    requests = recorded_requests(client)
    if requests is None:
        return None
    found = []
    for body in (request["body"] for request in requests):
        text = body["messages"][-1].get("content")
        if isinstance(text, str):
            sent = check_messages([*before, UserMessage(text)])
            found += [text] if body == {"messages": sent, "model": client.model} else []
    return found


def happened(outcome: Outcome) -> str:
    """Whether the filter refused or cut something, and because of what, in words."""
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
        return "Not refused, but no text came."
    return "Not refused."


def charted(outcomes: Mapping[str, Outcome]) -> View:
    """What came of the last sentence, with the filter's chart, and then of all of them."""
    if not outcomes:
        return View("<p>No sentence yet.</p>", "No sentence yet.")
    sentence, newest = list(outcomes.items())[-1]
    words = happened(newest)
    if not isinstance(newest, ContentFilterError) and newest.content:
        words += f"\nAnswer: {newest.content}"
    chart = severity(filter_results(newest))
    listed = table(["sentence", "what happened"], [(s, happened(o)) for s, o in outcomes.items()])
    parts = (lines(sentence), lines(words), Markup(chart.html), Markup(listed.html))
    plain = [shown(sentence), shown(words), "", chart.plain, "", "All sentences", "", listed.plain]
    return View(str(_NEWEST.format(*parts)), "\n".join(plain))
