"""``LiveStream``: an answer while it is being written, and the pace of its chunks."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from helpers.client.accumulator import StreamAccumulator
from helpers.client.client import ChatCompletionsClient, Messages
from helpers.client.responses import ChatCompletions, StreamingChatCompletionsUpdate
from helpers.views.displays import sparkline
from helpers.views.view import View, escape_lines, safe_text
from helpers.widgets.ask_panel import AskPanel, StreamedAnswer, snapshot_text
from helpers.widgets.job import Snapshot

_THOUGHTS = Markup('<div class="cc-text cc-thoughts"><b>Thoughts:</b> {}</div>\n')
_ANSWER = Markup("""\
{}<div class="cc-text">{}{}</div>
<div class="cc-beats"><code>{}</code></div>
<div class="cc-facts">{}</div>""")


class LiveStream(AskPanel[Messages, StreamedAnswer]):
    """A streamed answer; Run asks ``client`` for it again, Stop keeps what has arrived.

    The thoughts of a model that reasons stand before its answer, where the service sends them.

    ``initial``: the updates of an earlier stream, shown until Run is pressed. ``options``: as for
    ``client.stream``.
    """

    name = "live-stream"
    note = "it has buttons: Run asks again, Stop ends the answer early."
    no_examples = ""

    def __init__(
        self,
        client: ChatCompletionsClient,
        messages: Messages,
        *,
        initial: Iterable[StreamingChatCompletionsUpdate] = (),
        **options: Any,
    ) -> None:
        self._messages, self._options = list(messages), options
        super().__init__(client, StreamedAnswer())
        self.job.reset(_answer_of(initial))

    def static_view(self) -> View:
        """Return thoughts and answer, and when the chunks of the answer came."""
        snapshot = self.job.snapshot
        text, reasoning = snapshot_text(snapshot), snapshot.value.reasoning
        line, summary = sparkline(snapshot.value.arrivals)
        thoughts = _THOUGHTS.format(escape_lines(reasoning)) if reasoning else ""
        label = Markup("<b>Answer:</b> ") if reasoning else ""
        html = _ANSWER.format(thoughts, label, escape_lines(text), line, summary)
        before = f"Thoughts: {safe_text(reasoning)}\n\nAnswer: " if reasoning else ""
        return View(str(html), f"{before}{safe_text(text)}\n\n{line}\n{summary}")

    def read(self) -> Messages:
        """Return the messages that the panel was made with."""
        return self._messages

    def arguments(self, request: Messages) -> dict[str, Any]:
        """Return the messages and the options."""
        return {"messages": request, **self._options}

    def show(self, snapshot: Snapshot[StreamedAnswer]) -> None:
        """Show the answer as far as it has arrived."""
        self.answer.value = self.static_view().html


def _answer_of(updates: Iterable[StreamingChatCompletionsUpdate]) -> StreamedAnswer:
    """Return the answer of a stream that has ended."""
    answer, whole = StreamedAnswer(), StreamAccumulator()
    for update in updates:
        whole.add(update.raw)
        answer = answer.with_update(update)
    return replace(answer, completion=ChatCompletions(whole.whole()) if whole.finished else None)
