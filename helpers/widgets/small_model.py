"""The button *Use the small model on this machine*: one model for all panels of this kernel."""

import threading
from collections.abc import Callable, Generator
from typing import Any
from weakref import WeakSet

from markupsafe import Markup

from helpers.client.routes import RouteName
from helpers.connect import Settings, build_client, override_settings
from helpers.lessons import LESSONS
from helpers.local_model import DOWNLOAD_BYTES, MODEL, LocalModelService, install, is_installed
from helpers.widgets.job import Job, Progress, Run
from helpers.widgets.panel import area, button, row, status_html

SIZE = f"{DOWNLOAD_BYTES / 1e6:.0f} MB"
MEMORY = "about 420 MB of memory while it runs"
OFFER = f"{MODEL}, a small real model, answers whatever you ask, often wrongly. It takes {MEMORY}"
IN_USE = (
    f"{MODEL} on this machine answers now, in all panels of this notebook. It writes fluently and "
    "knows little. It can't use tools, read pictures or filter: what shows these stays recorded. "
    "Cells replay until you run the set-up cell again."
)
_BAR = Markup('<progress aria-label="Download" max="{}" value="{}"></progress>')


class SmallModel:
    """The model of this kernel and its server, which ends with the kernel.

    ``panels``: those that it can answer. The value of ``job`` is the number of bytes that were
    downloaded, and at its end the service.
    """

    def __init__(self) -> None:
        self.panels: WeakSet[Any] = WeakSet()
        self.job: Job[int | LocalModelService] = Job(0, self._draw, self._ended)
        self._service: LocalModelService | None = None
        self._route: RouteName = "v1"

    @property
    def is_used(self) -> bool:
        """Whether the model answers."""
        return self._service is not None

    def add(self, panel: Any) -> None:
        """Let ``panel``, an ``AskPanel``, be answered by the model whenever it is used."""
        self.panels.add(panel)
        if self.is_used:
            self._switch(panel)

    def press(self, route: RouteName) -> None:
        """Start the model; cells reach it on ``route``. If it starts: cancel. If used: forget."""
        if self.is_used or self.job.running:
            self.forget()
        else:
            self._route = route
            self.job.start(_start, 0)

    def forget(self) -> None:
        """Stop the model; all panels go back to the recordings."""
        self.job.stop()
        service, self._service = self._service, None
        if service is None:
            return
        threading.Thread(target=service.close, daemon=True).start()
        override_settings(Settings())
        for panel in self.panels:
            panel.use(None)
        self.job.reset(0)

    def _ended(self, progress: Progress[int | LocalModelService]) -> None:
        if isinstance(progress.value, int):
            return
        if progress.state != "finished":  # stopped at the last moment
            progress.value.close()
            return
        self._service = progress.value
        override_settings(self._settings(self._route))
        for panel in self.panels:
            self._switch(panel)

    def _switch(self, panel: Any) -> None:
        """Connect a panel on its own route."""
        panel.use(build_client(LESSONS[0].id, self._settings(panel.client.route.name))[0])

    def _settings(self, route: RouteName) -> Settings:
        assert self._service
        live = {"TUTORIAL_MODE": "live", "TUTORIAL_ROUTE": None}
        return Settings(live | self._service.variables(route))

    def _draw(self, progress: Progress[Any], state_changed: bool) -> None:
        for panel in self.panels:
            if panel.is_built:
                panel.model_controls.show()


class ModelControls:
    """The button in one panel, with what it costs, how far it is, and who answers then."""

    def __init__(self, report_errors: Callable[..., Callable[..., None]], route: RouteName) -> None:
        press = report_errors(lambda: SMALL_MODEL.press(route))
        self._button = button("", "small-model", press)
        self._bar, self._words = area("download"), area("model")
        self.parts = [row(self._button, self._bar), self._words]
        self.show()

    def show(self) -> None:
        """Show the state of the model."""
        progress, used = SMALL_MODEL.job.progress, SMALL_MODEL.is_used
        running = progress.state == "running"
        self._bar.value = ""
        if running:
            label, words = "Cancel", "The model starts."
            if size := progress.value:
                words = f"{SIZE} are downloaded and installed, once."
                self._bar.value = _BAR.format(DOWNLOAD_BYTES, size)
        elif used:
            label, words = "Forget the small model", IN_USE
        else:
            label = "Use the small model on this machine"
            words = f"{OFFER}{'' if is_installed() else f', and {SIZE} to download, once'}."
            if progress.state == "failed":
                words = f"{progress.words}\n{words}"
        told = running or progress.state == "failed"
        self._button.description = self._button.tooltip = label
        self._words.value = status_html(progress.state, words) if told else words


def _start(run: Run[int | LocalModelService]) -> Generator[int | LocalModelService]:
    """Install the model unless it is there, and start it."""
    if not is_installed():
        run.keep(1)
        install(run.keep)  # a press of Cancel raises ``Stopped`` here
        yield 0
    service = LocalModelService().start()
    try:
        yield service
    except GeneratorExit:  # cancelled while it started
        service.close()
        raise


SMALL_MODEL = SmallModel()
