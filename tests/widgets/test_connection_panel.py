"""The connection panel: a test in words, what works is used, and a key that nothing gives away."""

import os
import shutil
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

import helpers.lessons
from helpers import UserMessage
from helpers import connect as lesson
from helpers.connect import Settings, connect, override_settings
from helpers.lessons import ROOT
from helpers.recordings.replay import ReplayTransport
from helpers.widgets import ask_panel
from helpers.widgets.connection_panel import ConnectionPanel, connection_table
from tests.fakes import KEY, MODELS, V1, Service, Tokens, answer, leaked
from tests.lessons.test_connect import LIVE, NAMES
from tests.standin import StandIn
from tests.views.test_views import Page
from tests.widgets.panels import control, end_of, enter, everything, state

ID = "00-start-here"
QUESTION = [UserMessage("What is a chat completion?")]
RECORDED = "The recording answers “It is the next message of a conversation."
SAME = "The connection is the same as before."


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository with one recording and no settings; what is entered is forgotten at the end."""
    folder = tmp_path / "tests" / "cassettes" / "v1"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "cassettes" / "v1" / f"{ID}.json", folder)
    for module in (lesson, helpers.lessons):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    yield tmp_path
    override_settings(Settings())


def made() -> ConnectionPanel:
    """A panel with its controls, and a box for each setting."""
    panel = ConnectionPanel(ID, QUESTION)
    assert panel.root
    return panel


def tried(panel: ConnectionPanel, endpoint: str = "", model: str = "", key: str = "") -> str:
    """Fill in the boxes, press the button, wait: what a person then reads in the status line."""
    panel._endpoint.value, panel._model.value = endpoint, model
    if key:
        panel._key_box.value = key
    panel.run_button.click()
    end_of(panel.job)
    return status(panel)


def status(panel: ConnectionPanel) -> str:
    return state(panel)[1]


def test_an_answer_that_another_connection_gave_is_no_test_of_this_one(standin: StandIn) -> None:
    def tested() -> str:
        """What a new panel says of an answer that ``asked`` gave."""
        return ConnectionPanel(ID, QUESTION, initial=(asked, given)).static_view().plain

    asked = connect(ID)
    given = asked.complete(QUESTION)
    panel = made()
    assert "refused the credential" in tried(panel, standin.models, "stand-in-chat")
    assert "The recording answers" in tested()
    tried(panel, standin.models, "stand-in-chat", standin.key)
    assert "not tested yet" in tested()
    asked = connect(ID)
    with asked:
        given = asked.complete(QUESTION)
    assert "It works" in tested()
    asked.model = "another"
    assert "not tested yet" in tested()


@pytest.mark.parametrize("route", ["models", "v1"])
def test_a_connection_that_works_is_used(
    route: str, standin: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    panel = made()
    endpoint = {"models": standin.models, "v1": standin.v1}[route]
    before = len(standin.requests)
    text = tried(panel, f" {endpoint} ", " stand-in-chat ", standin.key)
    assert text.startswith("Finished. It works: the stand-in endpoint (scripted: no model) answers")
    assert "Other notebooks have kernels of their own" in text
    assert len(standin.requests) == before + 1
    assert (panel.client.route.name, panel.client.model) == (route, "stand-in-chat")
    assert Page(panel.answer.value).cells[2:] == [
        *("mode", "live: every call is sent", "route", route, "model", "stand-in-chat"),
        *("credential", "a key", "answers"),
        f"live from a server on this machine; route {route}, model stand-in-chat.",
    ]
    assert "It works" in panel.static_view().plain

    assert capsys.readouterr().out == ""
    asked = connect("01-basic-call")
    assert capsys.readouterr().out.startswith("Answers: live from a server on this machine; ")
    for made_of_it in (panel.client, asked):
        with made_of_it:
            assert made_of_it.complete(QUESTION).content.startswith("It is the next message")
    assert len(standin.requests) == before + 3
    assert Page(ConnectionPanel(ID, QUESTION).static_view().html).cells[3].startswith("live")


def test_what_was_entered_counts_before_all_that_the_environment_says(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**LIVE, "AZURE_INFERENCE_ENDPOINT": standin.v1}.items():
        monkeypatch.setenv(name, value)
    assert "AZURE_INFERENCE_CREDENTIAL" in tried(made()), "no box is meant"
    for name, value in {**LIVE, "TUTORIAL_MODE": "replay", "TUTORIAL_ROUTE": "v1"}.items():
        monkeypatch.setenv(name, value)
    panel = made()
    assert "refused the credential" in tried(panel, standin.models, "stand-in-chat")
    assert "api-key" not in standin.requests[-1].headers, "the environment's key was sent"
    tried(panel, standin.models, "stand-in-chat", standin.key)
    assert (panel.client.route.name, panel.client.model) == ("models", "stand-in-chat")
    assert connect(ID).model == "stand-in-chat"


def test_forget_goes_back_to_the_start_and_drops_the_key(standin: StandIn) -> None:
    panel = made()
    tried(panel, standin.models, "stand-in-chat", standin.key)
    forget = control(panel, "forget")
    assert forget.description == "Forget"
    forget.click()
    assert (panel._endpoint.value, panel._model.value) == ("", "")
    assert panel.answer.value == connection_table(panel.connection).html
    assert status(panel) == "Ready. All that was entered is forgotten."
    assert isinstance(panel.client.transport, ReplayTransport)
    assert isinstance(connect(ID).transport, ReplayTransport)
    assert "not tested yet" in panel.static_view().plain
    assert "refused the credential" in tried(panel, standin.models, "stand-in-chat")
    assert panel._key is None


WRONG: dict[str, tuple[str, str, str, str]] = {
    "plain http": ("http://example.com/models", "m", KEY, "Nothing was sent. What to do: use the"),
    "only a key": ("", "", KEY, "There is no endpoint. What to do: enter one: https://RESOURCE."),
    "no key of that kind": (
        MODELS,
        "m",
        "x9Kq 3Vw7 Zt5p",
        "The key holds a character that no key has",
    ),
}


@pytest.mark.parametrize(("endpoint", "model", "key", "told"), WRONG.values(), ids=WRONG)
def test_settings_that_cannot_work_are_named_and_nothing_changes(
    endpoint: str, model: str, key: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        lesson, "NetworkTransport", lambda _: Service(AssertionError("This was sent."))
    )
    panel = made()
    before = panel.client
    text = tried(panel, endpoint, model, key)
    assert text.startswith("It failed. ")
    assert told in text
    assert text.endswith(SAME)
    assert told.split(".")[0] in " ".join(panel.static_view().plain.replace("│", " ").split())
    assert panel.client is before
    assert isinstance(connect(ID).transport, ReplayTransport)
    assert leaked(*everything(panel), vars(panel), panel.client, secret=key) == []


def test_what_the_service_refuses_is_said_and_the_key_need_not_be_entered_again(
    standin: StandIn,
) -> None:
    panel = made()
    for model, key, told in (
        ("stand-in-chat", "wrong-key-wrong-key", "The service refused the credential. (HTTP 401)"),
        ("another-model", standin.key, "The service knows no such model. (HTTP 400)"),
    ):
        text = tried(panel, standin.models, model, key)
        assert text.startswith(f"It failed. {told} The service says: ")
        assert "What to do: check " in text and text.endswith(SAME)
        assert "the box " in text and "AZURE" not in text + panel.static_view().plain
        assert isinstance(connect(ID).transport, ReplayTransport)
    assert tried(panel, standin.models, "stand-in-chat").startswith("Finished. It works")


def test_a_key_is_sent_to_no_other_endpoint_than_the_one_it_was_entered_for(
    standin: StandIn,
) -> None:
    panel = made()
    tried(panel, standin.models, "stand-in-chat", standin.key)
    with StandIn(pace=0) as other:
        text = tried(panel, other.models, "stand-in-chat")
        assert "The key that was entered is that of another endpoint. Nothing was sent." in text
        assert "press Forget first" in text
        assert other.requests == []
        assert tried(panel, other.models, "stand-in-chat", other.key).startswith("Finished.")
        assert len(other.requests) == 1
    assert "live" in panel.answer.value


@pytest.mark.parametrize("name", ["endpoint", "model", "key"])
def test_enter_in_any_box_tests_with_a_key_that_arrives_later(name: str, standin: StandIn) -> None:
    panel = made()
    panel._endpoint.value, panel._model.value = standin.models, "stand-in-chat"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ask_panel, "TEXT_SYNC_SECONDS", 0.2)
        enter(control(panel, name))
        panel._key_box.value = standin.key
        end_of(panel.job)
    assert status(panel).startswith("Finished. It works")


def test_without_a_key_entra_id_signs_in(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(answer())
    monkeypatch.setattr(lesson, "NetworkTransport", lambda _: service)
    monkeypatch.setattr("azure.identity.DefaultAzureCredential", lambda: Tokens("token"))
    panel = made()
    assert "It works: some-model-2411 answers “Hi!”." in tried(panel, V1, "my-deployment")
    assert service.requests[0].headers["authorization"] == "Bearer token"
    assert "a token of Entra ID" in panel.answer.value


def test_a_key_leaves_its_box_at_once_and_is_nowhere_to_be_seen(
    root: Path, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "lesson.ipynb")
    files = sorted(root.rglob("*"))
    panel = made()
    assert not panel._key_box.continuous_update, "the page would keep each letter as it is typed"
    panel._key_box.value = standin.key
    assert panel._key_box.value == ""
    assert status(panel).startswith("Ready. The key is kept in the memory of this kernel and")
    assert "kept in this kernel" in panel._key_box.placeholder
    assert leaked(*everything(panel), vars(panel), panel.client, secret=standin.key) == []
    assert tried(panel, standin.models, "stand-in-chat").startswith("Finished. It works")
    assert leaked(*everything(panel), vars(panel), panel.client, secret=standin.key) == []
    assert (
        leaked(*map(repr, (lesson._overrides, panel.connection.settings)), secret=standin.key) == []
    )
    assert leaked(dict(os.environ), secret=standin.key) == []
    assert standin.models not in os.environ.values(), "programs that are started here would see it"
    assert sorted(root.rglob("*")) == files


def test_a_traceback_with_locals_does_not_give_it_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lesson, "NetworkTransport", lambda _: Service(answer(401, {})))
    panel = made()
    tried(panel, MODELS, "m", KEY)
    assert panel.job.snapshot.error is not None
    told = traceback.TracebackException.from_exception(
        panel.job.snapshot.error, capture_locals=True
    )
    assert "connection_panel.py" in "".join(told.format())
    assert leaked("".join(told.format())) == []
