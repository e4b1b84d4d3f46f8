"""``picture_picker``: choose a picture, see what would be sent of it, and ask about it."""

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from helpers.client.client import ChatCompletionsClient
from helpers.client.errors import BadParameterError
from helpers.images import FORMATS, MAX_BYTES, Picture, prepare
from helpers.views.view import View
from helpers.widgets.ask import Answer, answering
from helpers.widgets.html import ended, lines, shown, status
from helpers.widgets.image_choice import Chosen
from helpers.widgets.job import Job, Progress, RunContext, State, error_text
from helpers.widgets.panel import Panel, area, choice, on_enter, row, text_box
from helpers.widgets.run_row import RunRow
from helpers.widgets.upload import Incoming

OWN = "Your picture"
"""What a picture is called that does not come from the lesson."""

_LABEL = "Choose a picture"
_HINT = "or drop one here, or click here and paste one. Nothing is sent before you press Run."
_KINDS = ",".join(f"image/{kind.lower()}" for kind in FORMATS)
_OFFLINE = (
    "The answers are recorded here, so these are the pictures and the questions to choose from. "
    "A picture of your own shows what would be sent; to ask about it, you need a model."
)
_NOT_KEPT = "It is a picture of your own, which no notebook keeps."
_ASKED = Markup("""\
<p class="cc-text"><b>{}:</b> {}</p>
<p class="cc-text"><b>Answer:</b><br>{}</p>""")


def picture_picker(
    client: ChatCompletionsClient, pictures: Mapping[str, Picture], max_side: int = 1024
) -> "PicturePicker":
    """A place to choose one of ``pictures``, or one of your own, and to ask ``client`` about it.

    The keys say in words what the pictures show. One of your own is made ready as by ``prepare``,
    with ``max_side`` in pixels. Nothing is sent before a question is asked.
    """
    return PicturePicker(client, pictures, max_side)


class PicturePicker(Panel):
    """The panel that ``picture_picker`` makes; ``about`` says which picture is chosen."""

    name = "picture-picker"
    note = (
        "Run this cell in JupyterLab, and you can pick, drop or paste a picture here, and ask "
        "about it."
    )

    def __init__(
        self, client: ChatCompletionsClient, pictures: Mapping[str, Picture], max_side: int
    ) -> None:
        self._client, self._max_side = client, max_side
        self._chosen = {about: Chosen.of(client, about, one) for about, one in pictures.items()}
        self.about = next(iter(pictures))
        self._asked: tuple[str, str, Chosen] | None = None
        self._incoming = Incoming(MAX_BYTES)
        self.taking: Job[Chosen | None] = Job(None, self._draw_taking, self._taken)
        self.job: Job[Answer] = Job(Answer(), self.draw, self._ended)

    def take(self, name: str, data: bytes) -> None:
        """Make a picture of your own ready to send, and then choose it. An answer goes on."""

        def work(turn: RunContext) -> Generator[Chosen]:
            picture = replace(prepare(data, self._max_side), name=name)
            yield Chosen.of(self._client, OWN, picture)

        self.taking.stop()
        self.taking.start(work, None)

    def choose(self, about: str) -> None:
        """Choose one of the pictures. Raises ``LookupError`` if there is none of this name."""
        self._chosen[about]
        self.about = about
        if self.is_built:
            self._show_picture()

    def run(self, question: str) -> bool:
        """Ask about the picture; False, and nothing is done, without a question or in an answer."""
        if not question.strip() or self.job.running:
            return False
        chosen = self._chosen[self.about]
        self._asked = self.about, question, chosen
        return self.job.start(answering(self._client, chosen.messages(question)), Answer())

    def ask(self, about: str, question: str) -> str:
        """The same from a cell: choose a picture, ask, wait for the answer, and return its text.

        Raises what went wrong (``ChatError``), ``ValueError`` if nothing could be asked.
        """
        self.choose(about)
        if not self.run(question):
            raise ValueError("There is no question, or an answer is still on its way.")
        return self.job.result().text

    def stop(self) -> bool:
        """End the answer now, and keep what has arrived; False if none is on its way."""
        return self.job.stop()

    def static_view(self) -> View:
        """What would be sent, and the last answer. A picture of your own is not shown."""
        own = View(f"<p>{_NOT_KEPT}</p>", _NOT_KEPT)
        sent = own if self.about == OWN else self._chosen[self.about].sent()
        answer = self._answer()
        return View(f"{sent.html}\n{answer.html}", f"{sent.plain}\n\n{answer.plain}")

    def build(self) -> list[Any]:
        """A place for pictures and a list of them, what would be sent, a question, the answer."""
        from helpers.widgets.file_drop import file_box

        place = file_box(_LABEL, "file", _HINT, kinds=_KINDS, most=MAX_BYTES, heard=self._heard)
        self._told = area("taken")
        self._pictures = choice("Picture", "picture", [*self._chosen], self.about)
        self._on_picked = self.report_errors(self._picked)
        self._pictures.observe(self._on_picked, "value")
        self._sent = area("sent")
        parts = [place, self._told, row(self._pictures), self._sent]
        offline = self._chosen[self.about].questions is not None
        if not offline:
            self._question = text_box("Question", "question", placeholder="What is in it?")
            on_enter(self._question, self.report_errors(self._pressed_run))
        else:
            self._question = choice("Question", "question", [], None)
            parts.insert(0, area("offline", str(lines(_OFFLINE))))
        self._row = RunRow(
            self, self._pressed_run, self.stop, hint="Send picture and question", settles=True
        )
        self._answer_area = area("answer")
        self._show_picture()
        question = self._asked[1] if self._asked else ""
        if not offline or question in self._question.options:
            self._question.value = question
        self._show(self.job.progress)
        return [*parts, row(self._question), self._row.box, self.status, self._answer_area]

    def draw(self, progress: Progress[Answer]) -> None:
        """Show ``progress`` of an answer in the controls, if there are any."""
        if self.is_built:
            self._show(progress)

    def _heard(self, piece: Mapping[str, Any], data: bytes) -> None:
        """Take what the browser sends, once all of it is there."""
        try:
            arrived = self._incoming.add(piece, data)
        except BadParameterError as refused:
            self._tell("failed", error_text(refused))
        else:
            if arrived is not None:
                self.take(*arrived)

    def _taken(self, progress: Progress[Chosen | None]) -> None:
        if progress.state == "finished" and progress.value is not None:
            self._chosen[OWN] = progress.value
            self.about = OWN

    def _draw_taking(self, progress: Progress[Chosen | None]) -> None:
        if not self.is_built:
            return
        words = progress.words
        if progress.state == "finished":
            self._list_pictures()
            self._show_picture()
            words = f"{self._chosen[OWN].picture.name} is ready. Nothing of it was sent."
        self._tell(progress.state, words)

    def _tell(self, state: State, words: str) -> None:
        self._told.value = status(state, words)

    def _ended(self, progress: Progress[Answer]) -> None:
        """Note what the picture cost, unless another one has taken its place."""
        completion = progress.value.completion
        if completion is None or self._asked is None:
            return
        about, _, chosen = self._asked
        if self._chosen[about] is chosen and completion.usage.prompt_tokens:
            self._chosen[about] = replace(chosen, tokens=completion.usage.prompt_tokens)

    def _picked(self) -> None:
        self.choose(self._pictures.value)

    def _pressed_run(self) -> None:
        if not self.run(self._question.value or "") and not self.job.running:
            self.say("ready", "Write a question first.")

    def _list_pictures(self) -> None:
        """List your own picture too. A list that changes would choose its first entry by itself."""
        self._pictures.unobserve(self._on_picked, "value")
        self._pictures.options = [*self._chosen]
        self._pictures.value = self.about
        self._pictures.observe(self._on_picked, "value")

    def _show_picture(self) -> None:
        chosen = self._chosen[self.about]
        self._sent.value = chosen.sent().html
        if chosen.questions is not None:
            known = [text for one in self._chosen.values() for text in one.questions or ()]
            offered, before = chosen.questions or [*dict.fromkeys(known)], self._question.value
            self._question.options = offered
            self._question.value = before if before in offered else next(iter(offered), None)

    def _show(self, progress: Progress[Answer]) -> None:
        self._row.draw(progress.state == "running")
        self._answer_area.value = self._answer().html
        if progress.state == "finished":
            self._sent.value = self._chosen[self.about].sent().html
        self.say(progress.state, ended(progress))

    def _answer(self) -> View:
        """The last question, and its answer as far as it has come."""
        if self._asked is None:
            return View("<p>No question yet.</p>", "No question yet.")
        about, question, chosen = self._asked
        if about == OWN:
            about = f"{OWN} ({chosen.picture.name})"
        text = self.job.progress.value.text or "(no text yet)"
        html = _ASKED.format(about, lines(question), lines(text))
        return View(str(html), f"{about}: {shown(question)}\n\nAnswer:\n{shown(text)}")
