"""``LiveStream``: an answer while it is being written, and the pace of its chunks."""

from collections.abc import Iterable
from typing import Any

from helpers.client.client import ChatCompletionsClient, Messages
from helpers.client.responses import StreamingChatCompletionsUpdate
from helpers.views.view import View
from helpers.widgets.ask import Answer, AskPanel, progress_text, stream_task
from helpers.widgets.html import stream_view
from helpers.widgets.job import Progress, Task
from helpers.widgets.panel import area


class LiveStream(AskPanel[Messages, Answer]):
    """A streamed answer; Run asks ``client`` for it again, Stop keeps what has arrived.

    ``initial``: the updates of an earlier stream, shown until Run is pressed. ``options``: as for
    ``client.stream``. Showing the panel sends nothing.
    """

    name = "live-stream"
    note = (
        "Run this cell in JupyterLab, and it has buttons: Run asks again, Stop ends the answer "
        "early."
    )

    def __init__(
        self,
        client: ChatCompletionsClient,
        messages: Messages,
        *,
        initial: Iterable[StreamingChatCompletionsUpdate] = (),
        **options: Any,
    ) -> None:
        self._client, self._messages, self._options = client, list(messages), options
        super().__init__(Answer.of(initial))

    def static_view(self) -> View:
        """Return the answer, and when its chunks came."""
        return _view(self.job.progress)

    def build(self) -> list[Any]:
        """Make the buttons and the status line; below them the answer."""
        self._answer = area("answer")
        return [*super().build(), self._answer]

    def read(self) -> Messages:
        """Return the messages that the panel was made with."""
        return self._messages

    def task(self, request: Messages) -> Task[Answer]:
        """Stream the answer."""
        return stream_task(self._client, request, **self._options)

    def empty(self) -> Answer:
        """Start with no text, whatever was shown before."""
        return Answer()

    def show(self, progress: Progress[Answer]) -> None:
        """Show the answer as far as it has arrived."""
        self._answer.value = _view(progress).html


def _view(progress: Progress[Answer]) -> View:
    return stream_view(progress_text(progress), progress.value.arrivals)
