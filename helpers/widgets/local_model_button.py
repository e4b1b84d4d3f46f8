"""The button *Use the small model on this machine*: one model for all panels of this kernel."""

import threading
from collections.abc import Generator
from typing import Any
from weakref import WeakSet

from markupsafe import Markup

from helpers.client.routes import RouteName
from helpers.connect import Settings, build_client, override_settings
from helpers.lessons import LESSONS
from helpers.local_model import DOWNLOAD_BYTES, MODEL, LocalModelService, install, is_installed
from helpers.widgets.job import Job, Run, Snapshot
from helpers.widgets.panel import Panel, area, row, status_html

SIZE = f"{DOWNLOAD_BYTES / 1e6:.0f} MB"
OFFER = (
    f"{MODEL}, a small real model, answers whatever you ask, often wrongly. While it runs, it "
    "takes about 420 MB of memory"
)
IN_USE = (
    f"{MODEL} on this machine answers now, in all panels of this notebook. It writes fluently and "
    "knows little. It can't use tools, read pictures or filter: what shows these stays recorded. "
    "Cells replay until you run the set-up cell again."
)
_BAR = Markup('<progress aria-label="Download" max="{}" value="{}"></progress>')


class SmallModel:
    """The model of this kernel and its server, which ends with the kernel.

    ``panels``: those that it can answer in. ``service``: the server, while the model answers. The
    value of ``job`` is the number of bytes that were downloaded, and at its end the service.
    """

    def __init__(self) -> None:
        self.panels: WeakSet[Any] = WeakSet()
        self.job: Job[int | LocalModelService] = Job(0, self._draw, self._ended)
        self.service: LocalModelService | None = None
        self._route: RouteName = "v1"

    def add(self, panel: Any) -> None:
        """Let the model answer in ``panel``, an ``AskPanel``, unless that asks an endpoint."""
        service, endpoint = self.service, str(panel.client.route.endpoint)
        if panel.is_replaying or (service and endpoint in service.endpoints.values()):
            self.panels.add(panel)
            if service:
                self._switch(panel, service)

    def press(self, panel: Any) -> None:
        """Start the model, for cells on the route of ``panel``; cancel the start; or stop it."""
        if self.service or self.job.snapshot.state == "running":
            self.forget()
        else:
            self._route = panel.client.route.name
            self.job.start(_start)

    def forget(self) -> None:
        """Stop the model; all panels go back to the recordings."""
        self.job.stop()
        service, self.service = self.service, None
        if service is None:
            return
        _close_in_thread(service)
        override_settings(Settings())
        for panel in list(self.panels):
            panel.use(None)
        self.job.reset(0)

    def _ended(self, snapshot: Snapshot[int | LocalModelService]) -> None:
        service = snapshot.value
        if isinstance(service, int):
            return
        if snapshot.state != "finished":  # cancelled at the last moment
            _close_in_thread(service)
            return
        override_settings(_settings(service, self._route))
        self.service = service
        for panel in list(self.panels):
            self._switch(panel, service)

    def _switch(self, panel: Any, service: LocalModelService) -> None:
        """Connect a panel, on its own route."""
        panel.use(build_client(LESSONS[0].id, _settings(service, panel.client.route.name))[0])

    def _draw(self, snapshot: Snapshot[Any], state_changed: bool) -> None:
        for panel in list(self.panels):
            if panel.is_built:
                panel.model_controls.show()


class ModelControls:
    """The button in one panel, with what it costs, how far it is, and who answers then."""

    def __init__(self, panel: Panel) -> None:
        self._button = panel.button("", "small-model", lambda: SMALL_MODEL.press(panel), "")
        self._bar, self._words = area("download"), area("model-status")
        self.parts = [row(self._button, self._bar), self._words]
        self.show()

    def show(self) -> None:
        """Show the state of the model."""
        snapshot, bar = SMALL_MODEL.job.snapshot, ""
        size = snapshot.value if isinstance(snapshot.value, int) else 0
        if snapshot.state == "running":
            label, words = "Cancel", "The model starts."
            if size:
                words = f"{SIZE} are downloaded and installed, once."
                bar = _BAR.format(DOWNLOAD_BYTES, size)
        elif SMALL_MODEL.service:
            label, words = "Forget the small model", IN_USE
        else:
            label = "Use the small model on this machine"
            words = f"{OFFER}{'' if is_installed() else f', and {SIZE} to download, once'}."
        if snapshot.state == "failed":
            words = f"{snapshot.words}\n{words}"
        if snapshot.state in ("running", "failed"):
            words = status_html(snapshot.state, words)
        self._button.description = self._button.tooltip = label
        self._bar.value, self._words.value = bar, words


def _start(run: Run[int | LocalModelService]) -> Generator[int | LocalModelService]:
    """Install the model unless it is there, and start it."""
    if not is_installed():
        yield 1  # of so many bytes
        install(run.keep)  # a press of Cancel raises ``Stopped`` in it
        yield 0
    service = LocalModelService().start()
    try:
        yield service
    except GeneratorExit:  # cancelled while it started
        service.close()
        raise


def _close_in_thread(service: LocalModelService) -> None:
    """End the server in a thread: it may take seconds, and a callback must not block."""
    threading.Thread(target=service.close, daemon=True).start()


def _settings(service: LocalModelService, route: RouteName) -> Settings:
    """Return settings that win over all that the environment may hold."""
    return Settings(service.variables(route) | {"TUTORIAL_MODE": "live", "TUTORIAL_ROUTE": ""})


SMALL_MODEL = SmallModel()
