"""``AskPanel``, the base of the panels that ask a model, and the answers that they show."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator, Generator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar

from helpers.client.client import AsyncChatCompletionsClient, ChatCompletionsClient, Messages
from helpers.client.errors import BadParameterError, ChatError, NoRecordingError
from helpers.client.messages import JSON
from helpers.client.redaction import one_line
from helpers.client.responses import ChatCompletions, StreamingChatCompletionsUpdate
from helpers.client.retry import wait_notice
from helpers.images import text_item
from helpers.recordings.replay import ReplayTransport
from helpers.views.view import answer_text, said
from helpers.widgets.job import Job, Run, Snapshot, Value
from helpers.widgets.local_model_button import SMALL_MODEL, ModelControls
from helpers.widgets.panel import Panel, area, column, labelled, row, set_primary, status_html

TEXT_SYNC_SECONDS = 0.3
"""Seconds from a click or Enter until a text that was typed before has reached the kernel.

Each control sends its own message, and the kernel may handle them in several threads: it can hear
of the click first.
"""
MAX_LABEL = 120
"""Characters of the label of an example."""

Request = TypeVar("Request")
_NO_EXAMPLE = ""


@dataclass(frozen=True)
class StreamedAnswer:
    """A streamed answer as far as it has arrived; ``completion`` once all of it is there.

    ``arrivals``: the seconds from sending to each chunk of it. ``reasoning``: the model's thoughts,
    which come before it where a service sends them.
    """

    text: str = ""
    refusal: str = ""
    arrivals: tuple[float, ...] = ()
    reasoning: str = ""
    completion: ChatCompletions | None = None

    def with_update(self, update: StreamingChatCompletionsUpdate) -> Self:
        """Return the answer with what ``update`` brings."""
        text, refusal, reasoning = update.content, update.refusal or "", update.reasoning_content
        return replace(
            self,
            text=self.text + text,
            refusal=self.refusal + refusal,
            arrivals=(*self.arrivals, update.elapsed) if text or refusal else self.arrivals,
            reasoning=self.reasoning + (reasoning or ""),
        )


class AskPanel(Panel, Generic[Request, Value]):
    """A panel that asks ``client``: a form, Run, Stop, a status line, and what a subclass adds.

    ``initial`` is the value that each run starts with. ``request`` is what is asked, or was asked
    last; None before the form is read.

    A subclass gives ``arguments`` and overrides what else it needs. ``answer`` is an area below the
    status line. ``question`` is the label and the placeholder of a text box, and a request the text
    in it, unless the subclass has a ``form``, ``read`` and ``fill`` of its own. ``no_examples`` is
    what an empty list of examples says; a panel without one has no list. ``small_model_limit``
    says why the small model can't answer here: it "can't read pictures". ``streams``: whether the
    answer is asked for as a stream.
    """

    question: ClassVar[tuple[str, str] | None] = None
    run_label: ClassVar[str] = "Run"
    run_hint: ClassVar[str] = "Ask the model"
    no_examples: ClassVar[str] = "None was recorded"
    small_model_limit: ClassVar[str] = ""
    streams: ClassVar[bool] = True
    model_controls: ModelControls

    def __init__(self, client: ChatCompletionsClient, initial: Value) -> None:
        self.client = self._first_client = client
        self.request: Request | None = None
        self.job: Job[Value] = Job(initial, self.update, self.ended)
        if not self.small_model_limit:
            SMALL_MODEL.add(self)

    @property
    def is_replaying(self) -> bool:
        """Whether the answers are recorded."""
        return isinstance(self.client.transport, ReplayTransport)

    def use(self, client: ChatCompletionsClient | None) -> None:
        """Ask ``client`` from now on; None: the client that the panel was made with."""
        self.client = client or self._first_client
        if self.is_built:
            self.list_examples()

    def form(self) -> list[Any]:
        """Make the controls that hold the request."""
        if self.question is None:
            return []
        label, placeholder = self.question
        self.box = self.text_box(label, placeholder=placeholder)
        return [row(self.box)]

    def read(self) -> Request:
        """Return the request in the form, in the job's thread. Raises ``ChatError``."""
        return self.box.value  # type: ignore[no-any-return]

    def fill(self, request: Request) -> None:
        """Put a request of ``examples`` into the form."""
        self.box.value = request

    @abstractmethod
    def arguments(self, request: Request) -> dict[str, Any]:
        """Return what the client's method is called with to send ``request``."""

    def send(self, request: Request, run: Run[Any]) -> Generator[Any]:
        """Send ``request``; yield the answer as it grows. ``run``: for waits, and for Stop."""
        return stream_answer(self.client, run, **self.arguments(request))

    def requests_in(self, body: JSON) -> dict[str, Any]:
        """Return, by label, what may have been asked with a recorded ``body``: its last text."""
        text = body["messages"][-1].get("content")
        return {text: text} if text and isinstance(text, str) else {}

    def examples(self) -> dict[str, Request]:
        """Return the recorded requests by label; none if a model answers."""
        transport = self.client.transport
        if not (self.no_examples and isinstance(transport, ReplayTransport)):
            return {}
        found: dict[str, Request] = {}
        bodies = [recorded.get("body") or {} for recorded in transport.requests]
        for body in bodies:
            # A GET has no messages, nor has the Responses API.
            for label, one in self.requests_in(body).items() if body.get("messages") else ():
                with suppress(ChatError):  # nobody could send it
                    sent = self.client.build_request(stream=self.streams, **self.arguments(one))
                    if transport.can_answer(sent):
                        found[label] = one
        return found

    def ended(self, snapshot: Snapshot[Value]) -> None:
        """Keep what a run has brought. Called once at its end; must not block."""

    def show(self, snapshot: Snapshot[Value]) -> None:
        """Show what grows while an answer comes. Called at most 20 times a second."""

    def show_results(self, snapshot: Snapshot[Value]) -> None:
        """Show what changes only when a run starts or ends."""

    def status_words(self, snapshot: Snapshot[Value]) -> str:
        """Return what the status line says after the state: here, of a streamed answer."""
        answer = snapshot.value
        if not isinstance(answer, StreamedAnswer) or snapshot.words:
            return snapshot.words
        match snapshot.state:
            case "ready" if answer.arrivals:
                return "This answer came earlier; Run asks for it again."
            case "stopped" if answer.arrivals:
                return "What had arrived is kept; it is not the whole answer."
            case "stopped":
                return "Nothing had arrived."
            case "finished" if (whole := answer.completion) and whole.finish_reason != "stop":
                return f"The answer ended early (finish_reason: {whole.finish_reason})."
            case _:
                return ""

    def run(self, request: Request | None = None) -> bool:
        """Ask ``request``, or what stands in the form. Return False if an answer is on its way."""
        return self.job.start(lambda run: self._values(request, run))

    def run_and_wait(self, request: Request) -> str:
        """Ask from a cell, wait for the answer, and return what it says.

        Raises ``ChatError``, or ``ValueError`` if an answer is on its way.
        """
        if not self.run(request):
            raise ValueError("An answer is still on its way.")
        try:
            snapshot = self.job.wait()
        except KeyboardInterrupt:
            self.job.stop()
            raise
        if snapshot.error is not None:
            raise snapshot.error
        return snapshot_text(snapshot)

    def close(self) -> None:
        """End what is running, and close the controls."""
        self.job.stop()
        super().close()

    def build(self) -> list[Any]:
        """Make what says who answers, the form, Run, Stop, the status line and ``answer``."""
        self.status, self.answer = area("status", status_html("ready")), area("answer")
        self._form = self.form()
        self.run_button = self.button(self.run_label, "run", self.run, self.run_hint)
        self.stop_button = self.button("Stop", "stop", self.job.stop, "End the answer")
        buttons = row(self.run_button, self.stop_button, *self.more_buttons())
        return [*self._build_source(), *self._form, buttons, self.status, self.answer]

    def text_box(
        self, label: str, kind: Literal["Text", "Password"] = "Text", placeholder: str = ""
    ) -> Any:
        """Make a text box of one line, in which Enter asks. One for text sends it with every key.

        A password is sent when the focus leaves the box, or Enter is pressed: until then no part of
        it is in the state that a notebook may be saved with. Empty the box as soon as it is read.
        """
        traits = {"placeholder": placeholder, "continuous_update": kind == "Text"}
        box = labelled(kind, label, label.lower(), "wide", **traits)
        enter = self.report_errors(self.run)
        box.on_msg(lambda _, message, __: message.get("event") == "submit" and enter())
        return box

    def more_buttons(self) -> list[Any]:
        """Make the buttons to the right of Stop."""
        return []

    def refresh(self) -> None:
        """Show the current snapshot in the controls."""
        self.update(self.job.snapshot, True)

    def update(self, snapshot: Snapshot[Value], state_changed: bool) -> None:
        """Show ``snapshot`` in the controls, its results if ``state_changed``."""
        if not self.is_built:
            return
        self.show(snapshot)
        if state_changed:
            self.show_results(snapshot)
            set_primary(self.run_button, snapshot.state != "running")
            set_primary(self.stop_button, snapshot.state == "running")
        self.set_status(snapshot.state, self.status_words(snapshot))

    def _values(self, request: Request | None, run: Run[Value]) -> Generator[Value]:
        try:
            if request is None:
                if self.is_built and self._form:
                    run.sleep(TEXT_SYNC_SECONDS)
                request = self.read()
            self.request = request
            yield from self.send(request, run)
        except NoRecordingError:
            ways = "use a model of your own (lesson 00 shows how)."
            if not self.small_model_limit:
                ways = f"use the small model (its button is in this panel), or {ways}"
            if self.examples():
                ways = f"choose one of the examples, or {ways}"
            raise NoRecordingError("This question was not recorded.", advice=ways) from None

    def _build_source(self) -> list[Any]:
        """Make what says who answers: the list of examples, and the button of the small model."""
        words = f"The answers are recorded: choose an example and press {self.run_label}."
        if limit := self.small_model_limit:
            words += f" The small model on this machine {limit}, so these stay recorded."
        self._examples = labelled("Dropdown", "Examples", "examples", "wide")
        self._examples.observe(self.report_errors(self._fill_in), "value")
        self._offline = column(area("offline", words), row(self._examples))
        self.list_examples()
        parts = [self._offline]
        if self in SMALL_MODEL.panels:
            self.model_controls = ModelControls(self)
            parts += self.model_controls.parts
        return parts

    def list_examples(self) -> None:
        """List the recorded questions that can be asked now; nothing if a model answers."""
        is_shown = self.is_replaying and self.no_examples
        self._offline.layout.display = None if is_shown else "none"
        found = self.examples()
        first = "Choose an example" if found else self.no_examples
        labels = {one_line(label, MAX_LABEL): request for label, request in found.items()}
        options = ((first, _NO_EXAMPLE), *labels.items())
        if self._examples.options != options:
            self._examples.options = options
            self._examples.index = 0  # a list that was empty would show nothing

    def _fill_in(self) -> None:
        if self._examples.value != _NO_EXAMPLE:
            self.fill(self._examples.value)


def user_message(text: str, name: str, *items: JSON) -> JSON:
    """Return a message with ``text``, and other ``items`` after it; ``name`` says what the text is.

    Raises ``BadParameterError`` if it is blank.
    """
    if not text.strip():
        raise BadParameterError(f"There is no {name} to send.", advice="write one.")
    return {"role": "user", "content": [text_item(text), *items] if items else text}


def stream_answer(
    client: ChatCompletionsClient, run: Run[Any], messages: Messages, **options: Any
) -> Generator[StreamedAnswer]:
    """Stream an answer; yield it after each update, and at its end. A stop cancels the request.

    A blocking call can't be cancelled from another thread; an awaited one can, at any moment, and
    closes its connection.
    """

    async def stream() -> AsyncGenerator[StreamedAnswer]:
        answer = StreamedAnswer()
        async with (
            AsyncChatCompletionsClient.like(announce_waits(client, run)) as asked,
            asked.stream(messages, **options) as updates,
        ):
            async for update in updates:
                answer = answer.with_update(update)
                yield answer
        yield replace(answer, completion=updates.completion)

    async def following() -> StreamedAnswer | None:
        return await anext(answers, None)

    with asyncio.Runner() as runner:
        _cancel_when_stopped(run, runner.get_loop())
        answers = stream()
        while answer := runner.run(following()):
            yield answer


def whole_answer(
    client: ChatCompletionsClient, run: Run[Any], messages: Messages, **options: Any
) -> ChatCompletions:
    """Ask without streaming, and return the answer. A stop cancels the request."""

    async def ask() -> ChatCompletions:
        async with AsyncChatCompletionsClient.like(announce_waits(client, run)) as asked:
            return await asked.complete(messages, **options)

    with asyncio.Runner() as runner:
        _cancel_when_stopped(run, runner.get_loop())
        return runner.run(ask())


def _cancel_when_stopped(run: Run[Any], loop: asyncio.AbstractEventLoop) -> None:
    def cancel() -> None:
        for task in asyncio.all_tasks(loop):
            task.cancel()

    run.on_stop(lambda: loop.call_soon_threadsafe(cancel))


def announce_waits(client: ChatCompletionsClient, run: Run[Any]) -> ChatCompletionsClient:
    """Return a copy of ``client`` that says its waits before a retry in the panel.

    A stop ends such a wait, and no retry is sent. Printed from a thread, the notice would land in
    whatever cell ran last.
    """

    def wait(seconds: float, error: ChatError) -> None:
        run.say(wait_notice(seconds, error))
        run.sleep(min(seconds, client.retry.max_sleep))

    return client.with_options(on_wait=wait, max_sleep=0.0)


def snapshot_text(snapshot: Snapshot[Any]) -> str:
    """Return what has arrived of an answer; if nothing has, why."""
    answer = snapshot.value
    if words := said(answer.text, answer.refusal):
        return words
    if answer.completion is not None:
        return answer_text(answer.completion)
    if snapshot.state in ("stopped", "failed"):
        return "(no text)"
    return "(the model is reasoning, no text yet)" if answer.reasoning else "(no text yet)"
