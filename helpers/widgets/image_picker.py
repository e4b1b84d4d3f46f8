"""``ImagePicker``: choose a picture, see what would be sent of it, and ask about it."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from helpers.client.client import ChatCompletionsClient
from helpers.client.errors import ChatError
from helpers.client.messages import JSON
from helpers.images import Picture, prepare
from helpers.views.image_preview import preview
from helpers.views.view import View, escape_lines, safe_text, stack
from helpers.widgets.ask_panel import AskPanel, StreamedAnswer, snapshot_text, user_message
from helpers.widgets.job import Job, Run, Snapshot, error_text
from helpers.widgets.panel import area, labelled, row, status_html

OWN = "Your picture"
"""The label of a picture that does not come from the lesson."""

_NOT_KEPT = "It is a picture of your own, which no notebook keeps."
_SENT = Markup('{}\n<p class="cc-text">{}</p>')
_ASKED = Markup("""\
<p class="cc-text"><b>{}:</b> {}</p>
<p class="cc-text"><b>Answer:</b><br>{}</p>""")


@dataclass(frozen=True)
class ImageChoice:
    """A picture that can be asked about; ``label`` says what it shows.

    ``tokens``: how many a prompt with the picture took; None until an answer tells.
    """

    label: str
    picture: Picture
    preview: View
    tokens: int | None = None

    @classmethod
    def of(cls, label: str, picture: Picture) -> "ImageChoice":
        """Make a choice of a picture. Drops its file's own bytes."""
        return cls(label, replace(picture, original=b""), preview({label: picture}))

    def view(self) -> View:
        """Return the picture as its file has it and as it would be sent, in numbers and words."""
        url = self.picture.data_url
        kind = url.partition(";")[0].removeprefix("data:")
        words = f"In the message it is a data URL of type {kind}, {len(url):,} characters long. "
        if self.tokens is None:
            words += "How many tokens it takes is known after an answer."
        else:
            words += f"With the last question it took {self.tokens:,} tokens."
        html = _SENT.format(Markup(self.preview.html), words)
        return View(str(html), f"{self.preview.plain}\n\n{words}")


Question = tuple[ImageChoice, str]
"""A picture, and a question about it."""


class ImagePicker(AskPanel[Question, StreamedAnswer]):
    """A place to choose one of ``pictures``, or one of your own, and to ask ``client`` about it.

    The keys say in words what the pictures show. One of your own is prepared as by ``prepare``,
    with ``max_side`` in pixels. ``label`` is the key of the chosen picture.
    """

    name = "image-picker"
    note = "you can pick, drop or paste a picture here, and ask about it."
    question = "Question", "What is in it?"
    run_hint = "Send picture and question"
    small_model_limit = "can't read pictures"

    def __init__(
        self, client: ChatCompletionsClient, pictures: Mapping[str, Picture], max_side: int = 1024
    ) -> None:
        self._max_side = max_side
        self._choices = {label: ImageChoice.of(label, one) for label, one in pictures.items()}
        self.label = next(iter(pictures))
        self.preparing: Job[ImageChoice | None] = Job(None, self._show_preparing)
        super().__init__(client, StreamedAnswer())

    def take(self, name: str, data: bytes) -> None:
        """Prepare a picture of your own and choose it. An answer that is on its way goes on."""

        def task(run: Run[ImageChoice | None]) -> Generator[ImageChoice]:
            yield ImageChoice.of(OWN, replace(prepare(data, self._max_side), name=name))

        self.preparing.stop()
        self.preparing.start(task)

    def choose(self, label: str) -> None:
        """Choose one of the pictures. Raises ``LookupError`` if there is none of this name."""
        self._choices[label]
        self.label = label
        if self.is_built:
            self._show_picture()

    def ask(self, label: str, question: str) -> str:
        """Choose a picture from a cell, ask as ``run_and_wait`` does, return what is answered."""
        self.choose(label)
        return self.run_and_wait((self._choices[label], question))

    def static_view(self) -> View:
        """Return what would be sent, and the last answer. A picture of your own is left out."""
        sent = _NOT_KEPT if self.label == OWN else self._choices[self.label].view()
        return stack(sent, self._answer_view())

    def close(self) -> None:
        """End what is running, and close the controls."""
        self.preparing.stop()
        super().close()

    def form(self) -> list[Any]:
        """Make a place for files, the list of pictures, what would be sent, and the question."""
        from helpers.widgets.file_drop import FileDrop

        place = FileDrop(self.take, self._refuse)
        self._file_status, self._sent = area("taken"), area("sent")
        self._pictures = labelled(
            "Dropdown", "Picture", "picture", options=[*self._choices], value=self.label
        )
        picked = self.report_errors(lambda: self.choose(self._pictures.value))
        self._pictures.observe(picked, "value")
        question = super().form()
        self.box.value = self.request[1] if self.request else ""
        return [place, self._file_status, row(self._pictures), self._sent, *question]

    def read(self) -> Question:
        """Return the chosen picture and the question in the box."""
        return self._choices[self.label], str(self.box.value)

    def arguments(self, request: Question) -> dict[str, Any]:
        """Return a message with the question and the picture."""
        choice, question = request
        return {"messages": [user_message(question, "question", choice.picture.item())]}

    def requests_in(self, body: JSON) -> dict[str, Question]:
        """Return the question in ``body``, for each picture."""
        content = body["messages"][-1].get("content")
        texts = [item.get("text") for item in content] if isinstance(content, list) else []
        question = "".join(filter(None, texts))
        return {f"{one.label}: {question}": (one, question) for one in self._choices.values()}

    def fill(self, request: Question) -> None:
        """Choose the picture of an example, and put its question into the box."""
        choice, self.box.value = request
        self._pictures.value = choice.label

    def ended(self, snapshot: Snapshot[StreamedAnswer]) -> None:
        """Note what the picture cost, unless another one has taken its place."""
        completion = snapshot.value.completion
        if completion is None or self.request is None:
            return
        choice, tokens = self.request[0], completion.usage.prompt_tokens
        if self._choices[choice.label] is choice and tokens:
            self._choices[choice.label] = replace(choice, tokens=tokens)

    def show(self, snapshot: Snapshot[StreamedAnswer]) -> None:
        """Show the question and its answer as far as it has arrived."""
        self.answer.value = self._answer_view().html

    def show_results(self, snapshot: Snapshot[StreamedAnswer]) -> None:
        """Show what would be sent, with what it cost."""
        self._show_picture()

    def _refuse(self, error: ChatError) -> None:
        self._file_status.value = status_html("failed", error_text(error))

    def _show_preparing(self, snapshot: Snapshot[ImageChoice | None], state_changed: bool) -> None:
        if not self.is_built:
            return
        words = snapshot.words
        if snapshot.state == "finished" and snapshot.value is not None:
            self._choices[OWN] = snapshot.value
            self._pictures.options = [*self._choices]  # this chooses the first one
            self._pictures.value = OWN
            self.choose(OWN)
            words = f"{snapshot.value.picture.name} is ready. Nothing of it was sent."
        self._file_status.value = status_html(snapshot.state, words)

    def _show_picture(self) -> None:
        self._sent.value = self._choices[self.label].view().html

    def _answer_view(self) -> View:
        """Return the last question, and its answer as far as it has arrived."""
        if self.request is None:
            return stack("No question yet.")
        choice, question = self.request
        label = f"{OWN} ({choice.picture.name})" if choice.label == OWN else choice.label
        text = snapshot_text(self.job.snapshot)
        html = _ASKED.format(label, escape_lines(question), escape_lines(text))
        return View(str(html), f"{label}: {safe_text(question)}\n\nAnswer:\n{safe_text(text)}")
