"""``heatmap``: how sure a model was of its words, from the ``logprobs`` of its answer.

A mark is bold, with a figure and a bar; its colour only adds to that.
"""

import codecs
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from helpers.client.responses import ChatCompletions
from helpers.views.charts import INK
from helpers.views.view import Cell, View, lines_html, paragraph, safe_text, stack, table

MIN_SURE = 0.9
"""A token with a lower probability is marked."""
MAX_TOKENS, MAX_ROWS, MAX_ALTERNATIVES = 500, 12, 3
"""Tokens in the text, rows in the table, alternatives in a row."""

_MAX_TOKEN = 40
_MAX_TOP_LOGPROBS = 21
"""Services send at most the 20 likeliest tokens, and the one that was written."""
_MAX_CHARACTER = 4
"""Bytes of one character in UTF-8, and so the most tokens that can share it."""
_MIN_LOGPROB = -9999.0
"""What services send for a probability of about 0; ``math.exp`` makes it 0."""

_BAR_SIGNS, _BLOCKS = 10, "▁▂▃▄▅▆▇█"
_COLOURS = ((0.5, "#fff3bf"), (0.2, "#ffd8a8"), (0.0, "#ffc9c9"))
"""The colour of a mark by its least probability."""

_MARK = Markup(
    '<mark style="background-color: {}; color: '
    + INK
    + '"><b>{}</b></mark><sub>&nbsp;{}</sub><wbr>'
)
LEGEND = f"Marked with a figure and a bar: what the model was less than {MIN_SURE:.0%} sure of."
_NO_LOGPROBS = (
    "There are no log probabilities in this answer. Ask with logprobs=True, unless the model "
    "refuses that parameter, as reasoning models do."
)


@dataclass(frozen=True)
class Token:
    """A piece of text, the log of its probability, and the raw tokens that were likely instead."""

    text: str
    logprob: float | None
    top_logprobs: tuple[Any, ...] = ()

    @property
    def probability(self) -> float:
        """From 0 to 1; 0 if none was sent."""
        return 0.0 if self.logprob is None else math.exp(self.logprob)


def heatmap(answer: ChatCompletions | Sequence[Any] | None) -> View:
    """Show the text of ``answer`` with every unsure token marked, and a table of the least sure.

    ``answer`` is a completion, or the list at ``["logprobs"]["content"]`` of one of its choices,
    which may be None. Without log probabilities, a sentence says so.
    """
    tokens = tokens_of(answer)
    if not tokens:
        return stack(_NO_LOGPROBS)
    unsure = [token for token in tokens if token.probability < MIN_SURE]
    summary = summarize(tokens)
    if len(unsure) > MAX_ROWS:
        summary += f" In the table: the {MAX_ROWS} least sure."
    html, plain = _text(tokens)
    by_probability = sorted(range(len(unsure)), key=lambda place: unsure[place].probability)
    least_sure = [unsure[place] for place in sorted(by_probability[:MAX_ROWS])]
    rows = table(["token", "probability", "most likely instead"], map(_row, least_sure))
    return stack(LEGEND, View(paragraph(html), plain), summary, *([rows] if unsure else []))


def heatmaps(answers: Mapping[str, ChatCompletions | Sequence[Any] | None]) -> View:
    """Show the marked texts of ``answers`` beside each other, under their titles."""
    cells = []
    for answer in answers.values():
        tokens = tokens_of(answer)
        html, plain = _text(tokens)
        summary = summarize(tokens) if tokens else _NO_LOGPROBS
        cells.append(Cell(html + Markup("<br><br>") + summary, f"{plain}\n\n{summary}"))
    return stack(LEGEND, table(list(answers), [cells]))


def _text(tokens: Sequence[Token]) -> tuple[Markup, str]:
    """Return the first tokens as html and plain, the unsure ones marked."""
    parts = [marked(token) for token in tokens[:MAX_TOKENS]]
    return Markup("").join(part[0] for part in parts), "".join(part[1] for part in parts)


def tokens_of(answer: ChatCompletions | Sequence[Any] | None) -> list[Token]:
    """Return the tokens of what ``heatmap`` takes, those of a refusal if it has no content; none if
    there are no logprobs.
    """
    if isinstance(answer, ChatCompletions):
        logprobs = answer.choices[0].raw.get("logprobs") if answer.choices else None
        answer = _field(logprobs, "content") or _field(logprobs, "refusal")
    tokens = list(_read(answer if isinstance(answer, list | tuple) else []))
    if tokens and not tokens[-1].text:  # llama.cpp reports the end of an answer as a token
        tokens.pop()
    return tokens


def summarize(tokens: Sequence[Token]) -> str:
    """Say how many tokens there are, how many are marked, and their average probability."""
    unsure = sum(token.probability < MIN_SURE for token in tokens)
    logprobs = [token.logprob for token in tokens if token.logprob is not None]
    average = percent(sum(logprobs) / len(logprobs) if logprobs else None)
    words = f"{len(tokens)} tokens, {unsure} marked; average probability: {average}."
    if len(tokens) > MAX_TOKENS:
        words += f" Shown here: the first {MAX_TOKENS} tokens."
    return words


def _read(sent: Iterable[Any]) -> Iterator[Token]:
    """Yield the tokens; join those that hold parts of one character, such as an emoji."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    held: list[Any] = []
    for raw in sent:
        held.append(raw)
        decoder.decode(_bytes(raw))
        ends_inside_a_character = decoder.getstate()[0]
        if len(held) == _MAX_CHARACTER or not ends_inside_a_character:
            yield _token(held)
            held = []
            decoder.reset()
    if held:
        yield _token(held)


def _token(held: Sequence[Any]) -> Token:
    """Return the raw tokens ``held`` as one; its probability is the product of theirs."""
    logprobs = [_logprob(raw) for raw in held]
    known = [logprob for logprob in logprobs if logprob is not None]
    top = _field(held[0], "top_logprobs") if len(held) == 1 else None
    return Token(
        b"".join(map(_bytes, held)).decode("utf-8", errors="backslashreplace"),
        sum(known) if len(known) == len(logprobs) else None,
        tuple(top) if isinstance(top, list) else (),
    )


def _field(raw: Any, name: str) -> Any:
    return raw.get(name) if isinstance(raw, dict) else None


def _bytes(raw: Any) -> bytes:
    """Return the bytes of a raw token; where the service sent none, those of its text."""
    sent, text = _field(raw, "bytes"), _field(raw, "token")
    if isinstance(sent, list) and all(isinstance(n, int) and 0 <= n <= 255 for n in sent):
        return bytes(sent)
    return text.encode("utf-8", errors="backslashreplace") if isinstance(text, str) else b""


def _logprob(raw: Any) -> float | None:
    """Return the log of a raw token's probability, at most 0; None if it is not a number."""
    value = _field(raw, "logprob")
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return float(max(min(value, 0), _MIN_LOGPROB))


def marked(token: Token) -> tuple[Markup, str]:
    """Return the text of ``token`` as html and plain, marked if it is unsure."""
    text = safe_text(token.text, _MAX_TOKEN)
    if token.probability >= MIN_SURE:
        return lines_html(text), text
    word = text.lstrip()
    space = text.removesuffix(word)
    # Mark a sign in place of white space, which can't be seen.
    word = word or ("↵" if "\n" in space else "␣")
    block = "" if token.logprob is None else _BLOCKS[int(token.probability * len(_BLOCKS))]
    figure = f"{percent(token.logprob)} {block}".rstrip()
    colour = next(colour for least, colour in _COLOURS if token.probability >= least)
    html = lines_html(space) + _MARK.format(colour, lines_html(word), figure.replace(" ", "\u00a0"))
    return html, f"{space}[{word} {figure}]"


def _row(token: Token) -> list[str]:
    others = alternatives_of(token)[:MAX_ALTERNATIVES]
    instead = ", ".join(f"{quoted(other.text)} {percent(other.logprob)}" for other in others)
    probability = f"{probability_bar(token.probability)} {percent(token.logprob)}"
    return [quoted(token.text), probability, instead or "(none sent)"]


def alternatives_of(token: Token) -> list[Token]:
    """Return the tokens that were likely in the place of ``token``, in the service's order."""
    top = [_token([raw]) for raw in token.top_logprobs[:_MAX_TOP_LOGPROBS]]
    return [other for other in top if other.text != token.text]


def probability_bar(probability: float) -> str:
    """Return a probability as ten signs."""
    full = round(probability * _BAR_SIGNS)
    return "█" * full + "░" * (_BAR_SIGNS - full)


def quoted(text: str) -> str:
    """Return ``text`` in quotes, so that a blank at its start is seen."""
    return repr(safe_text(text, _MAX_TOKEN)).replace("\\\\", "\\")


def percent(logprob: float | None) -> str:
    """Return the probability in per cent; 0% and 100% only if it is exactly that."""
    if logprob is None:
        return "?"
    probability = math.exp(logprob)
    if 0 < probability < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= probability < 1 else f"{probability:.0%}"
