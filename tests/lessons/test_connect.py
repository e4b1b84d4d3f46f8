"""``connect``: from the environment and ``.env`` to a client, and the line that it prints."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

import helpers.lessons
from helpers import (
    BadParameterError,
    ChatCompletionsClient,
    ConfigurationError,
    RateLimitError,
    RecordingError,
)
from helpers import connect as lesson
from helpers.client.transport import NetworkTransport
from helpers.lessons import LESSONS, ROOT
from helpers.recordings.record import RecordingTransport
from helpers.recordings.replay import ReplayTransport
from tests.fakes import ASK, COMPLETION, KEY, MODELS, V1, Service, Tokens, answer, leaked

ID = "01-basic-call"
NAMES = (
    *("AZURE_INFERENCE_ENDPOINT", "AZURE_INFERENCE_CREDENTIAL", "AZURE_INFERENCE_MODEL"),
    *("TUTORIAL_MODE", "TUTORIAL_ROUTE", "TUTORIAL_HEADLESS", "JPY_SESSION_NAME"),
    *("TUTORIAL_RECORDINGS", "TUTORIAL_TIMEOUT", "TUTORIAL_ALLOW_HTTP"),
    # What azure-identity and its HTTP library read:
    *("AZURE_TOKEN_CREDENTIALS", "AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID", "AZURE_CLIENT_ID"),
    *("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "HTTPS_PROXY"),
)
LIVE = {
    "AZURE_INFERENCE_ENDPOINT": MODELS,
    "AZURE_INFERENCE_CREDENTIAL": KEY,
    "AZURE_INFERENCE_MODEL": "my-deployment",
}
LAN = {"AZURE_INFERENCE_ENDPOINT": "http://models.home.arpa:8000/v1"}
HERE = {"AZURE_INFERENCE_ENDPOINT": "http://127.0.0.1:8000/v1"}

Connect = Callable[..., ChatCompletionsClient]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of its own with the recordings of one lesson, and no setting at all."""
    for route in ("models", "v1"):
        folder = tmp_path / "tests" / "cassettes" / route
        folder.mkdir(parents=True)
        shutil.copy(ROOT / "tests" / "cassettes" / route / f"{ID}.json", folder)
    for module in (lesson, helpers.lessons):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def connect(root: Path, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Connect with these settings in the environment."""

    def build_client(
        settings: dict[str, str] | None = None, name: str = ID, **options: Any
    ) -> ChatCompletionsClient:
        for variable, value in (settings or {}).items():
            monkeypatch.setenv(variable, value)
        return lesson.connect(name, **options)

    return build_client


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """The network: it gives one answer, or the ``answers`` that a test sets."""
    service = Service(answer())
    monkeypatch.setattr(lesson, "NetworkTransport", lambda _: service)
    return service


CHOSEN: dict[str, tuple[dict[str, str], type[Any], str]] = {
    "nothing set": ({}, ReplayTransport, "v1"),
    "all empty": (dict.fromkeys(NAMES, ""), ReplayTransport, "v1"),
    "a route": ({"TUTORIAL_ROUTE": "models"}, ReplayTransport, "models"),
    "replay in spite of an endpoint": ({**LIVE, "TUTORIAL_MODE": "replay"}, ReplayTransport, "v1"),
    "an endpoint": (LIVE, NetworkTransport, "models"),
    "one of v1": ({**LIVE, "AZURE_INFERENCE_ENDPOINT": V1}, NetworkTransport, "v1"),
    "a URL that tells no route": (
        {"AZURE_INFERENCE_ENDPOINT": "http://localhost:8000", "TUTORIAL_ROUTE": "v1"},
        NetworkTransport,
        "v1",
    ),
    "record": ({**LIVE, "TUTORIAL_MODE": "record"}, RecordingTransport, "models"),
}


@pytest.mark.parametrize(("settings", "transport", "route"), CHOSEN.values(), ids=CHOSEN)
def test_mode_and_route(connect: Connect, settings: Any, transport: Any, route: str) -> None:
    client = connect(settings)
    assert (type(client.transport), client.route.name) == (transport, route)


def test_a_second_client_replays_the_route_that_is_named(
    connect: Connect, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for route in ("models", "v1"):
        assert connect({"TUTORIAL_ROUTE": "v1"}, route=route).route.name == route
    # After a run that recorded one route, the other one is replayed from its old recording.
    monkeypatch.setenv("TUTORIAL_RECORDINGS", str(root / "new"))
    assert connect(route="models").route.name == "models"
    with pytest.raises(RecordingError):
        connect()


@pytest.mark.parametrize("mode", ["live", "record"])
@pytest.mark.parametrize("endpoint", [V1, "http://127.0.0.1:8000/v1"])
def test_an_endpoint_is_not_asked_for_the_route_that_it_lacks(
    connect: Connect, endpoint: str, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {**LIVE, "AZURE_INFERENCE_ENDPOINT": endpoint, "TUTORIAL_MODE": mode}
    article = connect(settings, route="models")
    assert type(article.transport) is ReplayTransport
    told = "; route models. Your endpoint has the route v1, so it is not asked."
    assert printed(capsys).endswith(told)
    assert type(connect(settings, route="v1").transport) is not ReplayTransport


REFUSED: dict[str, tuple[dict[str, str], str, str]] = {
    "bad mode": ({"TUTORIAL_MODE": "Replay"}, ID, "TUTORIAL_MODE is 'Replay'"),
    "bad route": ({"TUTORIAL_ROUTE": "v2"}, ID, "TUTORIAL_ROUTE is 'v2'"),
    "live to nowhere": ({"TUTORIAL_MODE": "live"}, ID, "AZURE_INFERENCE_ENDPOINT is not set"),
    "time-out in words": ({"TUTORIAL_TIMEOUT": "5 min"}, ID, "TUTORIAL_TIMEOUT is '5 min'"),
    "time-out of nothing": ({**LIVE, "TUTORIAL_TIMEOUT": "0"}, ID, "TUTORIAL_TIMEOUT is '0'"),
    "endless": ({"TUTORIAL_TIMEOUT": "1e10"}, ID, "TUTORIAL_TIMEOUT is '1e10'"),
    "http with a key": ({**LIVE, **LAN, "TUTORIAL_ALLOW_HTTP": "1"}, ID, "plain http"),
    "http, not allowed": ({**LAN, "TUTORIAL_ALLOW_HTTP": "0"}, ID, "TUTORIAL_ALLOW_HTTP=1"),
    "unknown lesson": ({}, "99-none", f"'99-none'.\nWhat to do: use one of {LESSONS[0].id}, "),
}


@pytest.mark.parametrize(("settings", "name", "told"), REFUSED.values(), ids=REFUSED)
def test_settings_that_cannot_work_are_refused(
    connect: Connect, settings: Any, name: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigurationError) as failure:
        connect(settings, name)
    assert told in str(failure.value)
    assert not leaked(failure.value)
    assert capsys.readouterr().out == ""


def test_the_env_file_is_read_and_the_environment_wins(connect: Connect, root: Path) -> None:
    lines = [f'{name}="{value}"' for name, value in LIVE.items()]
    (root / ".env").write_text("\n".join(lines), encoding="utf-8")
    assert connect().model == "my-deployment"
    assert connect({"AZURE_INFERENCE_MODEL": "another"}).model == "another"
    assert type(connect({"AZURE_INFERENCE_ENDPOINT": ""}).transport) is ReplayTransport


SECRET = f"AZURE_INFERENCE_CREDENTIAL={KEY}\n"


@pytest.mark.parametrize(
    "read",
    [
        Mock(side_effect=PermissionError(13, KEY)),
        Mock(side_effect=(SECRET + "é").encode("latin-1").decode),
        Mock(return_value=SECRET.encode("utf-16-le").decode()),
    ],
    ids=["forbidden", "Latin-1", "UTF-16"],
)
def test_an_env_file_that_cannot_be_read_is_refused(
    read: Mock, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_text", read)
    with pytest.raises(ConfigurationError, match=r"The file \.env can't be read") as failure:
        connect()
    assert not leaked(failure.value, failure.value.__context__)


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what was printed, as one line. Each of its lines fits a narrow window."""
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= lesson.WIDTH
    return " ".join(out.split())


def test_what_was_recorded_live_is_replayed_first_and_says_so(
    connect: Connect, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = root / "tests" / "cassettes" / "models" / f"{ID}.json"
    recording = json.loads(path.read_text(encoding="utf-8"))
    facts = {"answered_by": {"live": 2}, "recorded": "2030-01-02", "model": "my-own"}
    recording["provenance"] |= facts
    path.write_text(json.dumps(recording), encoding="utf-8")
    assert connect().route.name == "models"
    told = "2 of 2 by a live deployment of my-own; route models."
    assert printed(capsys) == f"Answers: recorded 2030-01-02, {told}"
    assert connect({"TUTORIAL_ROUTE": "v1"}).route.name == "v1"


@pytest.mark.usefixtures("service")
def test_a_recording_client_says_where_to_and_writes_there(
    connect: Connect, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = connect({**LIVE, "TUTORIAL_MODE": "record"})
    out = printed(capsys)
    path = root / "tests" / "cassettes" / "models" / f"{ID}.json"
    before = path.read_bytes()
    assert f" They are recorded into tests/cassettes/models/{ID}.json.new. " in out
    assert f"`python -m helpers record {ID}`" in out
    asked.complete(ASK)
    assert path.read_bytes() == before
    path = path.with_suffix(".json.new")
    recording = json.loads(path.read_text(encoding="utf-8"))
    assert recording["exchanges"][0]["response"]["body"] == COMPLETION


CREDENTIALS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "key": (LIVE, {"api-key": KEY}),
    "none on this machine": (HERE, {}),
    "key on this machine": (
        {**HERE, "AZURE_INFERENCE_CREDENTIAL": KEY}, {"authorization": f"Bearer {KEY}"}),
    "Entra ID": ({**LIVE, "AZURE_INFERENCE_CREDENTIAL": ""}, {"authorization": "Bearer token"}),
}  # fmt: skip


@pytest.mark.parametrize(("settings", "sent"), CREDENTIALS.values(), ids=CREDENTIALS)
def test_the_credential(
    connect: Connect, service: Service, settings: Any, sent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("azure.identity.DefaultAzureCredential", lambda: Tokens("token"))
    connect(settings).complete(ASK)
    headers = service.requests[0].headers
    names = ("api-key", "authorization")
    assert {name: headers[name] for name in names if name in headers} == sent


SIGN_IN: dict[str, tuple[dict[str, str], str]] = {
    "credential": ({"AZURE_TOKEN_CREDENTIALS": "bogus"}, "AZURE_TOKEN_CREDENTIALS"),
    "authority, http": ({"AZURE_AUTHORITY_HOST": "http://login.example"}, "AZURE_AUTHORITY_HOST"),
    "tenant": ({"AZURE_TENANT_ID": "a b"}, "AZURE_TENANT_ID"),
    "certificate": (
        {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c",
         "AZURE_CLIENT_CERTIFICATE_PATH": "/no/such.pem"}, "AZURE_CLIENT_CERTIFICATE_PATH"),
    "bundle": ({"REQUESTS_CA_BUNDLE": "/no/such.pem"}, "REQUESTS_CA_BUNDLE"),
    "other bundle": ({"CURL_CA_BUNDLE": os.devnull}, "CURL_CA_BUNDLE"),
}  # fmt: skip


@pytest.mark.parametrize(("settings", "name"), SIGN_IN.values(), ids=SIGN_IN)
def test_a_setting_of_the_machine_that_cannot_work_is_named(
    connect: Connect, settings: dict[str, str], name: str
) -> None:
    with pytest.raises(ConfigurationError) as failure:
        connect({**LIVE, "AZURE_INFERENCE_CREDENTIAL": "", **settings})
    assert name in str(failure.value)
    assert not leaked(failure.value)


def test_government_is_signed_in_at_its_own_host(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, str]] = []
    monkeypatch.setattr(
        "azure.identity.DefaultAzureCredential", lambda **given: asked.append(given) or Tokens()
    )
    for host in ("r.openai.azure.us", "r.openai.azure.com"):
        connect({"AZURE_INFERENCE_ENDPOINT": f"https://{host}/openai/v1"})
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "login.example")
    connect({"AZURE_INFERENCE_ENDPOINT": "https://r.openai.azure.us/openai/v1"})
    assert asked == [{"authority": "login.microsoftonline.us"}, {}, {}]


def test_the_time_out_and_http_can_be_set(
    connect: Connect, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    connect({**LAN, "TUTORIAL_ALLOW_HTTP": "1", "TUTORIAL_TIMEOUT": "600.5"}).complete(ASK)
    assert not service.requests[0].headers.keys() & {"api-key", "authorization"}
    told = "your endpoint, over plain http; route v1, model (none named)."
    assert printed(capsys) == f"Answers: live from {told}"
    request = connect().build_request(ASK)
    assert request.extensions["timeout"]["read"] == 600.5


REFUSAL = {"error": {"message": "Unsupported parameter: 'seed'.", "param": "seed"}}


def test_a_live_lesson_waits_goes_on_without_a_refused_parameter_and_says_so(
    connect: Connect, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    service.answers = answer(429, "", retry_after_ms="1"), answer(400, REFUSAL), answer()
    connect(LIVE).complete(ASK, seed=1)
    assert "seed" not in service.body
    out = capsys.readouterr().out
    assert f"{RateLimitError.summary} Waiting 1 s, as it asks, then trying again.\n" in out
    assert "The model refused seed: it is left out" in out


def test_a_recording_keeps_the_refusal(connect: Connect, service: Service) -> None:
    service.answers = answer(400, REFUSAL), answer()
    with pytest.raises(BadParameterError):
        connect({**LIVE, "TUTORIAL_MODE": "record"}).complete(ASK, seed=1)


@pytest.mark.parametrize(
    ("names", "watched"),
    [("", False), ("JPY_SESSION_NAME", True), ("JPY_SESSION_NAME TUTORIAL_HEADLESS", False)],
)
def test_whether_someone_is_watching(
    root: Path, names: str, watched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in names.split():
        monkeypatch.setenv(name, "1")
    assert lesson.is_interactive() is watched
