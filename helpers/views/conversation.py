"""``conversation``: who said what, from one message to the next."""

from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup

from helpers.client.messages import content_text
from helpers.client.responses import ChatResponseMessage
from helpers.views.view import View, escape_lines, message_text, safe_text, stack

_WHO = {"system": "Instructions", "developer": "Instructions", "user": "You", "assistant": "Model"}
_MESSAGE = Markup('<p class="cc-text" data-role="{}"><b>{}:</b> {}</p>')


def conversation(
    messages: Iterable[Mapping[str, Any]], finish_reasons: Mapping[int, str | None] | None = None
) -> View:
    """Return who said what; for content that is no text, its kind.

    ``finish_reasons`` are those of answers, by their place: they say why one has no text.
    """
    said: list[View | str] = []
    for place, message in enumerate(messages):
        role = str(message.get("role") or "unknown")
        kind = role if role in _WHO else "other"
        name = _WHO.get(role, safe_text(role).capitalize())
        words = _words(message, (finish_reasons or {}).get(place))
        html = _MESSAGE.format(kind, name, escape_lines(words))
        said.append(View(html, f"{name}: {safe_text(words)}"))
    return stack(*said or ["No message yet."])


def _words(message: Mapping[str, Any], finish_reason: str | None) -> str:
    if message.get("role") == "assistant":
        return message_text(ChatResponseMessage(dict(message)), finish_reason)
    return content_text(message.get("content")) or "(no text)"
