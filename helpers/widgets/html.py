"""What the widgets show, as html and as plain text: the same words in JupyterLab and on GitHub."""

import math
from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup

from helpers.client.text import sanitize, shorten
from helpers.views.charts import duration, round_steps
from helpers.views.view import View, lines_html
from helpers.widgets.ask import Answer
from helpers.widgets.job import Progress, State

FRAME = 0.1
"""Seconds that one sign of a time line stands for; longer ones if it would get too long."""
MAX_SIGNS = 60
MAX_TEXT = 50_000
"""Characters of one text that a widget shows: it sends them anew with every drawing."""

_LEVELS = "·▁▂▃▄▅▆▇█"
_LABELS: dict[State, str] = {
    "ready": "Ready.",
    "running": "Running …",
    "finished": "Finished.",
    "stopped": "Stopped.",
    "failed": "It failed.",
}
_STATUS = Markup('<div class="cc-state" data-state="{}" role="{}">{} {}</div>')
_ANSWER = Markup('<div class="cc-text">{}</div>')
_BEATS = Markup('<div class="cc-beats"><code>{}</code></div>\n<div class="cc-facts">{}</div>')


def shown(text: str) -> str:
    """Text from elsewhere as a widget shows it: harmless, the middle of a long one left out."""
    return sanitize(shorten(text, MAX_TEXT))


def lines(text: str) -> Markup:
    """Text from elsewhere as html: ``shown`` and escaped, its lines and runs of blanks kept."""
    return lines_html(shown(text))


def status(state: State, words: str = "") -> str:
    """The status line of a widget as html: the state in a word, then ``words``.

    A screen reader says it when it changes, and a failure at once.
    """
    role = "alert" if state == "failed" else "status"
    return str(_STATUS.format(state, role, _LABELS[state], lines(words)))


def streamed(answer: Answer) -> View:
    """A streamed answer as far as it has arrived: the text, and when its chunks came."""
    text = answer.text
    beats, facts = time_line(answer.arrivals)
    html = _ANSWER.format(lines(text) or "(no text yet)") + "\n" + _BEATS.format(beats, facts)
    return View(str(html), f"{shown(text) or '(no text yet)'}\n\n{beats}\n{facts}")


def time_line(arrivals: Sequence[float]) -> tuple[str, str]:
    """Signs that show how many chunks came when, from 0 to the last; and the same in words.

    ``arrivals``: seconds from sending to each chunk, in order.
    """
    if not arrivals:
        return "", "No chunk yet."
    step = next(step for step in round_steps(FRAME) if arrivals[-1] / step < MAX_SIGNS)
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


def ended(progress: Progress[Answer]) -> str:
    """What the status line adds to the state of a streamed answer."""
    match progress.state:
        case "ready" if progress.value.count:
            return "This answer came earlier; Run asks for it again."
        case "stopped" if progress.value.count:
            return "What had arrived is kept; it is not the whole answer."
        case "stopped":
            return "Nothing had arrived."
        case "finished" if progress.value.completion is not None:
            reason = progress.value.completion.finish_reason
            return "" if reason == "stop" else f"The answer ended early (finish_reason: {reason})."
        case _:
            return progress.words
