"""What an answer says: its text, the words of a refusal, or why there is neither."""

from helpers.client.responses import ChatCompletions, ChatResponseMessage
from helpers.client.text import one_line


def answer_text(answer: ChatCompletions) -> str:
    """Return what the first choice of a whole answer says; in brackets why, if it says nothing."""
    details = answer.usage.raw.get("completion_tokens_details")
    # Most services show nothing of the reasoning, and only count its tokens.
    reasoned = isinstance(details, dict) and bool(details.get("reasoning_tokens"))
    return message_text(answer.message, answer.finish_reason, reasoned=reasoned)


def message_text(
    message: ChatResponseMessage, finish_reason: str | None = None, *, reasoned: bool = False
) -> str:
    """Return what a message says; in brackets why, as far as it is known, if it says nothing."""
    ending = f"; finish_reason: {one_line(finish_reason, 40)}" if finish_reason else ""
    nothing = "no text"
    if reasoned or message.reasoning_content:
        nothing = "the model reasoned and gave no text"
    return said(message.content, message.refusal) or f"({nothing}{ending})"


def said(text: str, refusal: str | None) -> str:
    """Return a text and a refusal, which stand in two fields of a message, as one text."""
    return "\n".join(filter(None, (text, refusal and f"The model refused: {refusal}")))
