"""``LiveStream``: an answer while it is being written, and the pace of its chunks."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from helpers.client.accumulator import StreamAccumulator
from helpers.client.client import ChatCompletionsClient, Messages
from helpers.client.responses import ChatCompletions, StreamingChatCompletionsUpdate
from helpers.views.charts import duration, round_steps
from helpers.views.view import View
from helpers.widgets.ask_panel import AskPanel, StreamedAnswer, progress_text
from helpers.widgets.job import Progress
from helpers.widgets.panel import escape_lines, safe_text

SIGN_SECONDS = 0.1
"""Seconds that one sign of a time line stands for; more if it would get longer than MAX_SIGNS."""
MAX_SIGNS = 60

_LEVELS = "·▁▂▃▄▅▆▇█"
_THOUGHTS = Markup('<div class="cc-text cc-thoughts"><b>Thoughts:</b> {}</div>\n')
_ANSWER = Markup("""\
{}<div class="cc-text">{}</div>
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
        progress = self.job.progress
        text, reasoning = progress_text(progress), progress.value.reasoning
        beats, facts = time_line(progress.value.arrivals)
        thoughts = _THOUGHTS.format(escape_lines(reasoning)) if reasoning else ""
        html = _ANSWER.format(thoughts, escape_lines(text), beats, facts)
        before = f"Thoughts: {safe_text(reasoning)}\n\n" if reasoning else ""
        return View(str(html), f"{before}{safe_text(text)}\n\n{beats}\n{facts}")

    def read(self) -> Messages:
        """Return the messages that the panel was made with."""
        return self._messages

    def arguments(self, request: Messages) -> dict[str, Any]:
        """Return the messages and the options."""
        return {"messages": request, **self._options}

    def show(self, progress: Progress[StreamedAnswer]) -> None:
        """Show the answer as far as it has arrived."""
        self.answer.value = self.static_view().html


def _answer_of(updates: Iterable[StreamingChatCompletionsUpdate]) -> StreamedAnswer:
    """Return the answer of a stream that has ended."""
    answer, whole = StreamedAnswer(), StreamAccumulator()
    for update in updates:
        whole.add(update.raw)
        answer = answer.with_update(update)
    return replace(answer, completion=ChatCompletions(whole.whole()) if whole.finished else None)


def time_line(arrivals: Sequence[float]) -> tuple[str, str]:
    """Return signs that show how many chunks came when, from 0 to the last; and the same in words.

    ``arrivals``: seconds from sending to each chunk, in order.
    """
    if not arrivals:
        return "", "No chunk."
    step = next(step for step in round_steps(SIGN_SECONDS) if arrivals[-1] / step < MAX_SIGNS)
    counts = Counter(int(at / step) for at in arrivals)
    most = max(counts.values())
    levels = len(_LEVELS) - 1
    signs = (
        _LEVELS[math.ceil(counts[place] * levels / most)]
        for place in range(int(arrivals[-1] / step) + 1)
    )
    first, last = duration(arrivals[0]), duration(arrivals[-1])
    chunks = "1 chunk" if len(arrivals) == 1 else f"{len(arrivals):,} chunks"
    facts = (
        f"{chunks}: first after {first}, last after {last}. "
        f"One sign is {duration(step)}: · no chunk, █ {most:,}."
    )
    return f"0 s {''.join(signs)} {last}", facts
