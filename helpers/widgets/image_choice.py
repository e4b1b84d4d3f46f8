"""A picture that was chosen: what would be sent of it, and what can be asked about it."""

from dataclasses import dataclass, replace

from markupsafe import Markup

from helpers.client.client import ChatCompletionsClient
from helpers.client.messages import UserMessage
from helpers.images import Picture, text_item
from helpers.recordings.cassette import match_key, to_recorded
from helpers.recordings.requests import recorded_requests
from helpers.views.image_preview import preview
from helpers.views.view import View

_NO_ANSWER = "No answer was recorded for it; to ask about it, go live (lesson 00 shows how)."
_SENT = Markup('{}\n<p class="cc-text">{}</p>')


@dataclass(frozen=True)
class Chosen:
    """A picture, how it looks, and the questions that are answered without a network.

    ``questions`` is None if anything can be asked, live. ``tokens``: how many a prompt with the
    picture took, None as long as no answer has told.
    """

    picture: Picture
    look: View
    questions: list[str] | None
    tokens: int | None = None

    @classmethod
    def of(cls, client: ChatCompletionsClient, about: str, picture: Picture) -> "Chosen":
        """Look at a picture; ``about`` says what it shows. Its file's own bytes are not kept."""
        look = preview({about: picture})
        return cls(replace(picture, original=b""), look, recorded_questions(client, picture))

    def messages(self, question: str) -> list[UserMessage]:
        """What is sent to ask about the picture."""
        return _messages(self.picture, question)

    def sent(self) -> View:
        """The picture as its file has it and as it would be sent, in numbers and in words."""
        url = self.picture.data_url
        kind = url.partition(";")[0].removeprefix("data:")
        words = [f"In the message it is a data URL of type {kind}, {len(url):,} characters long."]
        if self.tokens is None:
            words.append("How many tokens it takes is known after an answer.")
        else:
            words.append(f"With the last question it took {self.tokens:,} tokens.")
        if self.questions == []:
            words.append(_NO_ANSWER)
        html = _SENT.format(Markup(self.look.html), " ".join(words))
        return View(str(html), f"{self.look.plain}\n\n{' '.join(words)}")


def recorded_questions(client: ChatCompletionsClient, picture: Picture) -> list[str] | None:
    """What can be asked about ``picture`` without a network; None if anything can, live."""
    requests = recorded_requests(client)
    if requests is None:
        return None
    contents = [request["body"]["messages"][-1].get("content") for request in requests]
    items = [item for content in contents if isinstance(content, list) for item in content]
    texts = dict.fromkeys(item["text"] for item in items if item.get("type") == "text")
    known = set(map(match_key, requests))

    def is_known(text: str) -> bool:
        return (
            match_key(to_recorded(client.build_request(_messages(picture, text), stream=True)))
            in known
        )

    return [text for text in texts if is_known(text)]


def _messages(picture: Picture, question: str) -> list[UserMessage]:
    return [UserMessage([text_item(question), picture.item()])]
