"""``live_stream``: an answer while it is being written, the pace of its chunks, and a Stop."""

from collections.abc import Iterable
from typing import Any

from helpers.client.client import ChatCompletionsClient, Messages
from helpers.client.responses import StreamingChatCompletionsUpdate
from helpers.views.view import View
from helpers.widgets.ask import Answer, answering
from helpers.widgets.html import ended, streamed
from helpers.widgets.job import Job, Progress
from helpers.widgets.panel import Panel, area
from helpers.widgets.run_row import RunRow


def live_stream(
    client: ChatCompletionsClient,
    messages: Messages,
    *,
    shown: Iterable[StreamingChatCompletionsUpdate] = (),
    **options: Any,
) -> "LiveStream":
    """A view of a streamed answer; Run asks ``client`` for it (again), Stop keeps what has come.

    ``shown``: the updates of an earlier stream, which are there until you run it: showing the view
    asks nothing. ``options``: as for ``client.stream``.
    """
    return LiveStream(client, messages, shown=shown, **options)


class LiveStream(Panel):
    """The panel that ``live_stream`` makes; ``answer`` is what it shows now."""

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
        shown: Iterable[StreamingChatCompletionsUpdate] = (),
        **options: Any,
    ) -> None:
        self._work = answering(client, list(messages), **options)
        self.job: Job[Answer] = Job(Answer.of(shown), self.draw)

    @property
    def answer(self) -> Answer:
        """The answer as far as it has arrived."""
        return self.job.progress.value

    def run(self) -> bool:
        """Ask; False, and nothing is done, if an answer is on its way."""
        return self.job.start(self._work, Answer())

    def stop(self) -> bool:
        """End the answer now, and keep what has arrived; False if none is on its way."""
        return self.job.stop()

    def static_view(self) -> View:
        """The answer, and when its chunks came."""
        return streamed(self.answer)

    def build(self) -> list[Any]:
        """Run, Stop and the status; below them the answer."""
        self._row = RunRow(self, self.run, self.stop)
        self._answer = area("answer")
        self._show(self.job.progress)
        return [self._row.box, self.status, self._answer]

    def draw(self, progress: Progress[Answer]) -> None:
        """Show ``progress`` in the controls, if there are any."""
        if self.is_built:
            self._show(progress)

    def _show(self, progress: Progress[Answer]) -> None:
        self._row.draw(progress.state == "running")
        self._answer.value = streamed(progress.value).html
        self.say(progress.state, ended(progress))
