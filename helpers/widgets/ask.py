"""``AskPanel``, the base of the panels that ask a model, and the tasks that their jobs run."""

from abc import abstractmethod
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar

from helpers.client.accumulator import StreamAccumulator
from helpers.client.client import ChatCompletionsClient, Messages
from helpers.client.errors import BadParameterError, ChatError, NoRecordingError
from helpers.client.responses import ChatCompletions, StreamingChatCompletionsUpdate
from helpers.client.retry import wait_notice
from helpers.client.text import one_line
from helpers.recordings.replay import ReplayTransport
from helpers.views.answer import answer_text, said
from helpers.widgets.job import Job, Progress, RunContext, Task, Value
from helpers.widgets.panel import Panel, area, button, choice, named, row, set_primary, text_box

TEXT_SYNC_SECONDS = 0.3
"""Seconds from a click or Enter until a text that was typed before has reached the kernel.

Each control sends its own message, and the kernel may handle them in several threads: it can hear
of the click first.
"""
MAX_LABEL = 120
"""Characters of the label of an example."""

Request = TypeVar("Request")
_NO_EXAMPLE = ""


class Chunk(NamedTuple):
    """What one update brings: after so many seconds from sending, a text, a part of a refusal."""

    elapsed: float
    text: str
    refusal: str = ""


@dataclass(frozen=True)
class Answer:
    """The first ``count`` chunks of a streamed answer; ``completion`` once all of it is there.

    ``reasoned``: whether reasoning has come. The list is shared with the later values of the same
    stream: a copy for each chunk would be quadratic.
    """

    chunks: Sequence[Chunk] = ()
    count: int = 0
    completion: ChatCompletions | None = None
    reasoned: bool = False

    @classmethod
    def of(cls, updates: Iterable[StreamingChatCompletionsUpdate]) -> Self:
        """Make an answer of the ``updates`` of a stream that has ended."""
        chunks, whole = list[Chunk](), StreamAccumulator()
        for update in updates:
            whole.add(update.raw)
            chunks += _chunks_of(update)
        return cls(chunks, len(chunks), ChatCompletions(whole.whole()) if whole.finished else None)

    @property
    def text(self) -> str:
        """The text that has arrived."""
        return "".join(chunk.text for chunk in self.chunks[: self.count])

    @property
    def refusal(self) -> str:
        """The words that have arrived with which the model refuses."""
        return "".join(chunk.refusal for chunk in self.chunks[: self.count])

    @property
    def arrivals(self) -> list[float]:
        """When each chunk arrived, in seconds from sending."""
        return [chunk.elapsed for chunk in self.chunks[: self.count]]


class AskPanel(Panel, Generic[Request, Value]):
    """A panel that asks: a form, Run and Stop, a status line, and what a subclass adds.

    A subclass gives ``task`` (what sends a request) and overrides what else it needs. ``question``
    is the label and the placeholder of a text box, and a request the text in it, unless the
    subclass has a ``form``, ``read`` and ``fill`` of its own.
    """

    question: ClassVar[tuple[str, str] | None] = None
    run_label: ClassVar[str] = "Run"
    run_hint: ClassVar[str] = "Ask the model"
    no_examples: ClassVar[str] = "None was recorded"

    def __init__(self, initial: Value) -> None:
        self._initial = initial
        self._form: Sequence[Any] = ()
        self._ends = 0  # how many runs have ended, and how many had when a running one was drawn
        self._ends_drawn = -1
        self.job: Job[Value] = Job(initial, self.update, self._end)

    def form(self) -> list[Any]:
        """Make the controls that hold the request."""
        if self.question is None:
            return []
        label, placeholder = self.question
        run = self.report_errors(self.run)
        self.box = text_box(label, label.lower(), placeholder=placeholder, action=run)
        return [row(self.box)]

    def read(self) -> Request:
        """Return the request in the form, in the job's thread. Raises ``ChatError``."""
        return self.box.value  # type: ignore[no-any-return]

    def fill(self, request: Request) -> None:
        """Put a request of ``examples`` into the form."""
        self.box.value = request

    @abstractmethod
    def task(self, request: Request) -> Task[Value]:
        """Return the task that sends ``request``."""

    def empty(self) -> Value:
        """Return the value that a run starts with. By default the initial one."""
        return self._initial

    def examples(self) -> dict[str, Request] | None:
        """Return the recorded requests by label; None if anything can be asked, or nothing."""
        return None

    def ended(self, progress: Progress[Value]) -> None:
        """Keep what a run has brought. Called once at its end; must not block."""

    def show(self, progress: Progress[Value]) -> None:
        """Show what grows while an answer comes. Called at most 20 times a second."""

    def show_results(self, progress: Progress[Value]) -> None:
        """Show what changes only when a run starts or ends."""

    def status_words(self, progress: Progress[Value]) -> str:
        """Return what the status line says after the state."""
        return outcome_text(progress)

    def run(self, request: Request | None = None) -> bool:
        """Ask ``request``, or what stands in the form. Return False if an answer is on its way."""
        return self.job.start(lambda context: self._values(request, context), self.empty())

    def stop(self) -> bool:
        """End the answer now and keep what has arrived. Return False if none is on its way."""
        return self.job.stop()

    def close(self) -> None:
        """End what is running, and close the controls."""
        self.stop()
        super().close()

    def build(self) -> list[Any]:
        """Make the list of examples (offline), the form, Run, Stop and the status line."""
        self._form = self.form()
        run, stop = self.report_errors(self.run), self.report_errors(self.stop)
        self.run_button = button(self.run_label, "run", run, hint=self.run_hint)
        self.stop_button = button("Stop", "stop", stop, hint="End the answer")
        buttons = row(self.run_button, self.stop_button, *self.more_buttons())
        return [*self._build_examples(), *self._form, buttons, self.status]

    def more_buttons(self) -> list[Any]:
        """Make the buttons to the right of Stop."""
        return []

    def refresh(self) -> None:
        """Show the current progress in the controls."""
        self._show_all(self.job.progress)

    def update(self, progress: Progress[Value]) -> None:
        """Show ``progress`` in the controls, its results only when a run starts or ends."""
        if not self.is_built:
            return
        if progress.state == "running" and self._ends_drawn == self._ends:
            self.show(progress)
            self.set_status(progress.state, self.status_words(progress))
        else:
            self._show_all(progress)

    def _show_all(self, progress: Progress[Value]) -> None:
        running = progress.state == "running"
        self._ends_drawn = self._ends if running else -1
        self.show(progress)
        self.show_results(progress)
        set_primary(self.run_button, not running)
        set_primary(self.stop_button, running)
        self.set_status(progress.state, self.status_words(progress))

    def _end(self, progress: Progress[Value]) -> None:
        self._ends += 1
        self.ended(progress)

    def _values(self, request: Request | None, context: RunContext) -> Generator[Value]:
        try:
            if request is None:
                if self._form:
                    context.sleep(TEXT_SYNC_SECONDS)
                request = self.read()
            yield from self.task(request)(context)
        except NoRecordingError:
            own = "use a model of your own (lesson 00 shows how)."
            advice = own if self.examples() is None else f"choose one of the examples, or {own}"
            raise NoRecordingError("This question was not recorded.", advice=advice) from None

    def _build_examples(self) -> list[Any]:
        self._examples: Any = None
        if self.examples() is None:
            return []
        words = f"The answers are recorded: choose an example and press {self.run_label}."
        self._examples = named(choice("Examples", "examples", [], None), "wide")
        self.list_examples()
        self._examples.observe(self.report_errors(self._fill_in), "value")
        return [area("offline", words), row(self._examples)]

    def list_examples(self) -> None:
        """List what can be asked now, if that has changed."""
        if self._examples is None:
            return
        found = self.examples() or {}
        first = "Choose an example" if found else self.no_examples
        labels = {one_line(label, MAX_LABEL): request for label, request in found.items()}
        options = ((first, _NO_EXAMPLE), *labels.items())
        if self._examples.options != options:
            self._examples.options = options
            self._examples.index = 0  # a list that was empty would show nothing

    def _fill_in(self) -> None:
        if self._examples.value != _NO_EXAMPLE:
            self.fill(self._examples.value)


def check_text(text: str, name: str) -> None:
    """Raise ``BadParameterError`` if ``text`` is blank; ``name`` says what it is."""
    if not text.strip():
        raise BadParameterError(f"There is no {name} to send.", advice="write one.")


def stream_task(client: ChatCompletionsClient, messages: Messages, **options: Any) -> Task[Answer]:
    """Return the task of streaming an answer."""

    def task(context: RunContext) -> Generator[Answer]:
        chunks: list[Chunk] = []
        reasoned = False
        with (
            announce_waits(client, context).stream(messages, **options) as stream,
            context.on_stop(stream.hang_up),
        ):
            for update in stream:
                new, begins = _chunks_of(update), not reasoned and bool(update.reasoning_content)
                chunks += new
                reasoned = reasoned or begins
                if new or begins:
                    yield Answer(chunks, len(chunks), reasoned=reasoned)
        yield Answer(chunks, len(chunks), stream.completion, reasoned)

    return task


def _chunks_of(update: StreamingChatCompletionsUpdate) -> list[Chunk]:
    """Return the chunk that ``update`` brings, if it brings text or a part of a refusal."""
    chunk = Chunk(update.elapsed, update.content, update.refusal or "")
    return [chunk] if chunk.text or chunk.refusal else []


def announce_waits(client: ChatCompletionsClient, context: RunContext) -> ChatCompletionsClient:
    """Return a copy of ``client`` that says its waits before a retry in the panel.

    A stop ends such a wait, and no retry is sent. Printed from a thread, the notice would land in
    whatever cell ran last.
    """

    def wait(seconds: float, error: ChatError) -> None:
        context.say(wait_notice(seconds, error))
        context.sleep(min(seconds, client.retry.max_pause))

    return client.with_options(on_wait=wait, max_pause=0.0)


def progress_text(progress: Progress[Answer], nothing: str = "(no text yet)") -> str:
    """Return what has arrived of an answer; if nothing has, why, or ``nothing`` while it comes."""
    answer = progress.value
    if words := said(answer.text, answer.refusal):
        return words
    if answer.completion is not None:
        return answer_text(answer.completion)
    if progress.state in ("stopped", "failed"):
        return "(no text)"
    return "(the model is reasoning, no text yet)" if answer.reasoned else nothing


def outcome_text(progress: Progress[Any]) -> str:
    """Return what the status line adds to the state of a streamed answer."""
    answer = progress.value
    if not isinstance(answer, Answer) or progress.words:
        return progress.words
    match progress.state:
        case "ready" if answer.count:
            return "This answer came earlier; Run asks for it again."
        case "stopped" if answer.count:
            return "What had arrived is kept; it is not the whole answer."
        case "stopped":
            return "Nothing had arrived."
        case "finished" if answer.completion is not None:
            reason = answer.completion.finish_reason
            return "" if reason == "stop" else f"The answer ended early (finish_reason: {reason})."
        case _:
            return ""


def is_recorded(client: ChatCompletionsClient, messages: Messages, **options: Any) -> bool:
    """Tell whether ``client`` replays an answer to this request (``options``: of its
    ``build_request``).
    """
    transport = client.transport
    if not isinstance(transport, ReplayTransport):
        return False
    try:
        return transport.can_answer(client.build_request(messages, **options))
    except ChatError:  # nobody could send it
        return False


def recorded_questions(
    client: ChatCompletionsClient, ask: Callable[[str], Messages], **options: Any
) -> dict[str, str] | None:
    """Return each recorded question to which ``ask`` makes recorded messages, with itself as its
    label; None if ``client`` is live.
    """
    transport = client.transport
    if not isinstance(transport, ReplayTransport):
        return None
    last = (request["body"]["messages"][-1] for request in transport.requests)
    texts = dict.fromkeys(_text(message.get("content")) for message in last)
    return {text: text for text in texts if text and is_recorded(client, ask(text), **options)}


def _text(content: Any) -> str:
    """Return the text in the content of a message: a text, or a list of items."""
    items = content if isinstance(content, list) else [{"text": content}]
    return "".join(item.get("text") or "" for item in items)
