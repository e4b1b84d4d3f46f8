"""The button of the small model: it says what it costs, and switches all panels of the kernel."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from helpers.connect import Settings, connect, override_settings
from helpers.images import prepare
from helpers.lessons import ROOT
from helpers.local_model import DOWNLOAD_BYTES, LocalModelError, LocalModelService
from helpers.recordings.replay import ReplayTransport
from helpers.widgets import (
    Chat,
    ConnectionPanel,
    ContentFilterBox,
    ImagePicker,
    LiveStream,
    Playground,
    local_model_button,
)
from helpers.widgets.job import Snapshot
from helpers.widgets.local_model_button import IN_USE, SMALL_MODEL
from tests.fakes import ASK, client
from tests.standin import StandIn
from tests.widgets.panels import LONG, control, end_of, has, press, state

OWN = "What is a chat completion?"
ANSWER = "It is the next message"
BUTTON = "Use the small model on this machine"


class Fake(LocalModelService):
    """A service, and its installation, that tests hold up; the stand-in endpoint answers."""

    def __init__(self, standin: StandIn) -> None:
        self.installed, self.standin = True, standin
        self.error: Exception | None = None
        self.here, self.go, self.closed = threading.Event(), threading.Event(), threading.Event()
        self.go.set()

    def install(self, on_progress: Callable[[int], None]) -> None:
        for size in (DOWNLOAD_BYTES // 2, DOWNLOAD_BYTES):
            on_progress(size)
            self.here.set()
            assert self.go.wait(LONG)
        if self.error:
            raise self.error
        self.installed = True

    def start(self) -> Any:
        self.here.set()
        assert self.go.wait(LONG)
        self.endpoints = {"v1": self.standin.v1, "models": self.standin.models}
        self.key, self.model = self.standin.key, "stand-in-chat"
        return self

    def close(self) -> None:
        assert self.go.wait(LONG)
        self.closed.set()


@pytest.fixture(autouse=True)
def fake(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    made = Fake(standin)
    SMALL_MODEL.panels.clear()
    monkeypatch.setattr(local_model_button, "install", made.install)
    monkeypatch.setattr(local_model_button, "is_installed", lambda: made.installed)
    monkeypatch.setattr(local_model_button, "LocalModelService", lambda: made)
    yield made
    made.go.set()
    SMALL_MODEL.forget()
    SMALL_MODEL.job.reset(0)
    override_settings(Settings())


def pressed(panel: Any) -> str:
    """Press the button, wait for the end, and return what it says then."""
    control(panel, "small-model").click()
    end_of(SMALL_MODEL.job)
    return words(panel)


def words(panel: Any) -> str:
    return str(control(panel, "model-status").value)


def label(panel: Any) -> str:
    return str(control(panel, "small-model").description)


def is_replaying(lesson: str = "01-basic-call") -> bool:
    return isinstance(connect(lesson).transport, ReplayTransport)


def test_size_and_memory_are_told_first_and_the_download_shows_how_far_it_is(fake: Fake) -> None:
    fake.installed = False
    panel = LiveStream(connect("02-streaming"), ASK)
    assert label(panel) == BUTTON
    assert "420 MB of memory, and 127 MB to download, once." in words(panel)
    fake.go.clear()
    drawn = threading.Event()
    half = f'max="{DOWNLOAD_BYTES}" value="{DOWNLOAD_BYTES // 2}"'
    control(panel, "download").observe(lambda c: half in c.new and drawn.set(), "value")
    control(panel, "small-model").click()
    assert drawn.wait(LONG)
    assert label(panel) == "Cancel"
    assert "127 MB are downloaded and installed" in words(panel)
    fake.go.set()
    end_of(SMALL_MODEL.job)
    assert (words(panel), label(panel)) == (IN_USE, "Forget the small model")
    assert control(panel, "download").value == ""
    control(panel, "small-model").click()
    assert "download" not in words(panel)


def test_all_panels_are_switched_and_answer_whatever_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also one that is made later; each on its own route."""
    chat, replaying = Chat(connect("01-basic-call")), connect("02-streaming")
    monkeypatch.setenv("TUTORIAL_ROUTE", "models")
    playground = Playground(connect("03-parameters"), initial=[])
    monkeypatch.delenv("TUTORIAL_ROUTE")
    connection = ConnectionPanel("00-start-here", ASK)
    assert chat.root and playground.root
    assert pressed(connection) == IN_USE == words(chat) == words(playground)
    for asked in (replaying, connect("02-streaming")):
        later = LiveStream(asked, [{"role": "user", "content": OWN}])
        assert words(later) == IN_USE and not later.is_replaying
    control(chat, "message").value = control(playground, "prompt").value = OWN
    for panel in (chat, playground, later, connection):
        assert press(panel).state == "finished", state(panel)
        assert panel is connection or ANSWER in panel.static_view().plain
    assert "live: every call is sent" in connection.static_view().plain
    for panel, route in ((chat, "v1"), (playground, "models")):
        assert panel._offline.layout.display == "none"
        assert panel.client.route.name == route
    assert not is_replaying()


def test_forget_stops_the_model_and_goes_back_to_the_recordings(fake: Fake) -> None:
    chat = Chat(connect("01-basic-call"))
    connection = ConnectionPanel("00-start-here", ASK)
    for forget in (lambda: pressed(chat), lambda: control(connection, "forget").click()):
        fake.closed.clear()
        assert pressed(chat) == IN_USE
        forget()
        assert fake.closed.wait(LONG)
        assert label(chat) == label(connection) == BUTTON
        assert is_replaying() and "replay:" in connection.static_view().plain
        assert chat._offline.layout.display is None
        control(chat, "message").value = OWN
        press(chat)
        assert "use the small model (its button is in this panel)" in state(chat)[1]


def test_what_it_can_not_do_stays_recorded_and_the_panel_says_so() -> None:
    chat = Chat(connect("01-basic-call"))
    box = ContentFilterBox(connect("07-content-safety"), initial={})
    picture = {"A chart": prepare(ROOT / "images" / "languages.png")}
    picker = ImagePicker(connect("08-images"), picture)
    assert pressed(chat) == IN_USE
    for panel, limit in ((box, "has no content filter"), (picker, "can't read pictures")):
        assert limit in control(panel, "offline").value
        assert not has(panel, "small-model") and panel.is_replaying


def test_a_panel_that_asks_an_endpoint_keeps_it() -> None:
    chat = Chat(client())
    asked = chat.client
    assert not has(chat, "small-model")
    pressed(ConnectionPanel("00-start-here", ASK))
    assert chat.client is asked


@pytest.mark.parametrize("installed", [True, False], ids=["starting", "installing"])
def test_a_start_can_be_cancelled(installed: bool, fake: Fake) -> None:
    fake.installed = installed
    chat = Chat(connect("01-basic-call"))
    fake.go.clear()
    control(chat, "small-model").click()
    assert fake.here.wait(LONG)
    assert pressed(chat).startswith("SmolLM2-135M-Instruct, a small real model")
    assert label(chat) == BUTTON
    fake.go.set()
    assert fake.closed.wait(LONG) if installed else not fake.installed
    fake.closed.clear()
    started = Snapshot("stopped", fake.start())
    fake.go.clear()  # its server takes a while to end
    SMALL_MODEL.job.ended(started)  # cancelled at the last moment
    assert not fake.closed.is_set()
    fake.go.set()
    assert fake.closed.wait(LONG)
    assert is_replaying() and chat.is_replaying


def test_what_goes_wrong_is_said_and_can_be_tried_again(fake: Fake) -> None:
    fake.installed, fake.error = False, LocalModelError("No network.", advice="wait.")
    chat = Chat(connect("01-basic-call"))
    assert "It failed. No network.<br>What to do: wait." in pressed(chat)
    assert 'role="alert"' in words(chat) and label(chat) == BUTTON and is_replaying()
    fake.error = None
    assert pressed(chat) == IN_USE
