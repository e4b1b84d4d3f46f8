"""How sure a model was of its words: an answer with its unsure tokens marked, and their rivals.

The probabilities are the ``logprobs`` of an answer (ask with ``logprobs=True``). What comes from
the model is text in html, never in a picture; a mark is bold, has a figure and a bar, and only then
a colour.
"""

import codecs
import heapq
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from helpers.client.responses import ChatCompletions
from helpers.client.text import sanitize, shorten
from helpers.views.view import View, table

SURE = 0.9
"""A token of at least this probability is not marked."""

MAX_TOKENS, MAX_ROWS, MAX_RIVALS = 500, 12, 3
"""How many tokens the text has, rows the table, and rivals a row."""

_MAX_TOKEN = 40
_MAX_SENT = 21
"""Services send at most 20 of the likeliest tokens, and the one that was written."""

_MAX_CHARACTER = 4
"""Bytes, and so the most tokens that share a character."""

_LOWEST = -9999.0
"""What services send for "as good as never"; math.exp makes it 0."""

_BAR, _BLOCKS = 10, "▁▂▃▄▅▆▇█"
_INK = "#1f2328"
_COLOURS = ((0.5, "#fff3bf"), (0.2, "#ffd8a8"), (0.0, "#ffc9c9"))
"""From which probability on a mark has which colour: the paler, the surer."""

_MARK = Markup(
    '<mark style="background-color: {}; color: ' + _INK + '"><b>{}</b></mark><sub> {}</sub>'
)
LEGEND = f"Marked with a figure and a bar: what the model was less than {SURE:.0%} sure of."
_NOTHING = (
    "There are no logprobs in this answer. Ask with logprobs=True, and see whether the model knows "
    "that parameter."
)


@dataclass(frozen=True)
class Token:
    """A piece of text, the log of its probability, and what else could have stood there."""

    text: str
    log: float | None
    rivals: tuple[Any, ...] = ()

    @property
    def chance(self) -> float:
        """The probability; 0 if none was sent."""
        return 0.0 if self.log is None else math.exp(self.log)


def heatmap(answer: ChatCompletions | Sequence[Any]) -> View:
    """The text of ``answer`` with every unsure token marked, then a table of the least sure ones.

    ``answer`` is a completion, or the list at ``["logprobs"]["content"]`` of one of its choices.
    """
    tokens = tokens_of(answer)
    if not tokens:
        return View(f"<p>{escape(_NOTHING)}</p>", _NOTHING)
    unsure = [token for token in tokens if token.chance < SURE]
    summary = in_short(tokens)
    if len(unsure) > MAX_ROWS:
        summary += f" In the table: the {MAX_ROWS} least sure."
    html, plain = _text(tokens[:MAX_TOKENS])
    rows = table(["token", "probability", "most likely instead"], map(_row, _least_sure(unsure)))
    paragraphs = Markup("").join(map(Markup("<p>{}</p>\n").format, (LEGEND, html, summary)))
    return View(
        str(paragraphs) + (rows.html if unsure else ""),
        "\n\n".join([LEGEND, plain, summary, *([rows.plain] if unsure else [])]),
    )


def tokens_of(answer: ChatCompletions | Sequence[Any]) -> list[Token]:
    """The tokens of ``answer``, which is what ``heatmap`` takes; without logprobs none."""
    return list(_read(_sent(answer) if isinstance(answer, ChatCompletions) else answer))


def in_short(tokens: Sequence[Token]) -> str:
    """How many tokens there are, how many of them are marked, and how sure they are together."""
    marked = sum(token.chance < SURE for token in tokens)
    logs = [token.log for token in tokens if token.log is not None]
    average = percent(sum(logs) / len(logs) if logs else None)
    words = f"{len(tokens)} tokens, {marked} marked; average probability: {average}."
    if len(tokens) > MAX_TOKENS:
        words += f" Shown here: the first {MAX_TOKENS} tokens."
    return words


def _sent(completion: ChatCompletions) -> Any:
    """The list of tokens in the first choice, or an empty one."""
    logprobs = completion.choices[0].raw.get("logprobs") if completion.choices else None
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    return content if isinstance(content, list) else []


def _read(sent: Iterable[Any]) -> Iterator[Token]:
    """The tokens; those that hold parts of one character (an emoji, say) are put together."""
    held: list[Any] = []
    raw = b""
    for token in sent:
        held.append(token)
        raw += _bytes(token)
        if len(held) == _MAX_CHARACTER or not _ends_inside_a_character(raw):
            yield _joined(held, raw)
            held, raw = [], b""
    if held:
        yield _joined(held, raw)


def _joined(held: Sequence[Any], raw: bytes) -> Token:
    logs = [_log(token) for token in held]
    known = [log for log in logs if log is not None]
    rivals = _field(held[0], "top_logprobs") if len(held) == 1 else None
    return Token(
        raw.decode("utf-8", errors="backslashreplace"),
        sum(known) if len(known) == len(logs) else None,
        tuple(rivals) if isinstance(rivals, list) else (),
    )


def _ends_inside_a_character(raw: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    decoder.decode(raw)
    return bool(decoder.getstate()[0])


def _field(token: Any, name: str) -> Any:
    return token.get(name) if isinstance(token, dict) else None


def _bytes(token: Any) -> bytes:
    """The bytes of a token; where the service sent none, those of its text."""
    raw, text = _field(token, "bytes"), _field(token, "token")
    if isinstance(raw, list) and all(isinstance(n, int) and 0 <= n <= 255 for n in raw):
        return bytes(raw)
    return text.encode("utf-8", errors="backslashreplace") if isinstance(text, str) else b""


def _log(token: Any) -> float | None:
    """The log of a token's probability, at most 0; None if there is no such number."""
    value = _field(token, "logprob")
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return float(max(min(value, 0), _LOWEST))


def _text(tokens: Iterable[Token]) -> tuple[Markup, str]:
    """The text in order, as html and plain, the unsure tokens marked."""
    parts = [marked(token) for token in tokens]
    return Markup("").join(html for html, _ in parts), "".join(plain for _, plain in parts)


def marked(token: Token) -> tuple[Markup, str]:
    """The text of ``token`` as html and plain, marked if it is unsure."""
    text = _harmless(token.text)
    if token.chance >= SURE:
        return _lines(text), text
    word = text.lstrip()
    space = text.removesuffix(word)
    # White space can't be seen, so a sign is marked in its place.
    word = word or ("↵" if "\n" in space else "␣")
    block = "" if token.log is None else _BLOCKS[int(token.chance * len(_BLOCKS))]
    figure = f"{percent(token.log)} {block}".rstrip()
    colour = next(colour for least, colour in _COLOURS if token.chance >= least)
    html = _lines(space) + _MARK.format(colour, _lines(word), figure)
    return html, f"{space}[{word} {figure}]"


def _lines(text: str) -> Markup:
    """Text whose lines and runs of blanks stay as they are in html."""
    return Markup("<br>").join(text.replace("  ", "\u00a0 ").split("\n"))


def _harmless(text: str) -> str:
    return sanitize(shorten(text, _MAX_TOKEN))


def _least_sure(unsure: Sequence[Token]) -> list[Token]:
    """The first rows of the table, in the order of the text."""
    logs = [_LOWEST if token.log is None else token.log for token in unsure]
    places = heapq.nsmallest(MAX_ROWS, range(len(unsure)), key=logs.__getitem__)
    return [unsure[place] for place in sorted(places)]


def _row(token: Token) -> list[str]:
    rivals = [f"{quoted(rival.text)} {percent(rival.log)}" for rival in rivals_of(token)]
    instead = ", ".join(rivals[:MAX_RIVALS]) or "(none sent)"
    return [quoted(token.text), f"{bar(token.chance)} {percent(token.log)}", instead]


def rivals_of(token: Token) -> list[Token]:
    """What else could have stood in the place of ``token``, as the service sent it."""
    rivals = [
        Token(_bytes(sent).decode("utf-8", errors="backslashreplace"), _log(sent))
        for sent in token.rivals[:_MAX_SENT]
    ]
    return [rival for rival in rivals if rival.text != token.text]


def bar(chance: float) -> str:
    """A probability as ten signs."""
    full = round(chance * _BAR)
    return "█" * full + "░" * (_BAR - full)


def quoted(text: str) -> str:
    """In quotes, so that a blank at its beginning is seen."""
    return repr(_harmless(text)).replace("\\\\", "\\")


def percent(log: float | None) -> str:
    """The probability in words; only one that is 0 or 1 is called so."""
    if log is None:
        return "?"
    chance = math.exp(log)
    if 0 < chance < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= chance < 1 else f"{chance:.0%}"
