"""Text and status lines as html and as plain text, the same words in JupyterLab and on GitHub."""

import math
from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup

from helpers.client.text import sanitize, shorten
from helpers.views.charts import duration, round_steps
from helpers.views.view import View, lines_html
from helpers.widgets.job import State

SIGN_SECONDS = 0.1
"""Seconds that one sign of a time line stands for; more if it would get longer than MAX_SIGNS."""
MAX_SIGNS = 60
MAX_TEXT = 50_000
"""Characters of one text that a widget shows: it is sent anew with every drawing."""

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


def safe_text(text: str) -> str:
    """Return text from elsewhere without harmful characters, a long one cut in the middle."""
    return sanitize(shorten(text, MAX_TEXT))


def escape_lines(text: str) -> Markup:
    """Return ``safe_text`` as escaped html that keeps line breaks and runs of blanks."""
    return lines_html(safe_text(text))


def status(state: State, words: str = "") -> str:
    """Return a status line as html: the state in a word, then ``words``.

    It is a live region: screen readers announce a change politely, a failure at once.
    """
    role = "alert" if state == "failed" else "status"
    return str(_STATUS.format(state, role, _LABELS[state], escape_lines(words)))


def stream_view(text: str, arrivals: Sequence[float]) -> View:
    """Return a streamed answer as far as it has arrived: the text, and when its chunks came."""
    beats, facts = time_line(arrivals)
    html = _ANSWER.format(escape_lines(text)) + "\n" + _BEATS.format(beats, facts)
    return View(str(html), f"{safe_text(text)}\n\n{beats}\n{facts}")


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
