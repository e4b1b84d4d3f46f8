"""``connect``: from the environment and ``.env`` to a client, and the line that it prints."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from traceback import TracebackException
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
from tests.standin import StandIn

ID = "01-basic-call"
NAMES = (
    *("AZURE_INFERENCE_ENDPOINT", "AZURE_INFERENCE_CREDENTIAL", "AZURE_INFERENCE_MODEL"),
    *("TUTORIAL_MODE", "TUTORIAL_ROUTE", "TUTORIAL_HEADLESS", "JPY_SESSION_NAME"),
    *("TUTORIAL_RECORDINGS", "TUTORIAL_TIMEOUT", "TUTORIAL_ALLOW_HTTP"),
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


@pytest.fixture
def no_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset what azure-identity and its HTTP library read."""
    for name in ENTRA:
        monkeypatch.delenv(name, raising=False)


MODES: dict[str, tuple[dict[str, str], type[Any]]] = {
    "nothing set": ({}, ReplayTransport),
    "all empty": (dict.fromkeys(NAMES, ""), ReplayTransport),
    "an endpoint": (LIVE, NetworkTransport),
    "replay": ({"TUTORIAL_MODE": "replay"}, ReplayTransport),
    "replay in spite of an endpoint": ({**LIVE, "TUTORIAL_MODE": "replay"}, ReplayTransport),
    "live": ({**LIVE, "TUTORIAL_MODE": "live"}, NetworkTransport),
    "record": ({**LIVE, "TUTORIAL_MODE": "record"}, RecordingTransport),
}


@pytest.mark.parametrize(("settings", "transport"), MODES.values(), ids=MODES)
def test_the_mode(connect: Connect, settings: Any, transport: type[Any]) -> None:
    assert type(connect(settings).transport) is transport


@pytest.mark.parametrize(
    ("settings", "route"),
    [
        ({}, "v1"),
        ({"TUTORIAL_ROUTE": "models"}, "models"),
        ({"TUTORIAL_ROUTE": "v1"}, "v1"),
        (LIVE, "models"),
        ({**LIVE, "AZURE_INFERENCE_ENDPOINT": V1}, "v1"),
        ({"AZURE_INFERENCE_ENDPOINT": "http://localhost:8000", "TUTORIAL_ROUTE": "v1"}, "v1"),
    ],
    ids=["default", "replay models", "replay v1", "live models", "live v1", "named"],
)
def test_the_route(connect: Connect, settings: Any, route: str) -> None:
    assert connect(settings).route.name == route


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


def test_the_stand_in_has_both_routes(
    connect: Connect, standin: StandIn, root: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    settings = {
        "AZURE_INFERENCE_ENDPOINT": standin.v1,
        "AZURE_INFERENCE_CREDENTIAL": standin.key,
        "AZURE_INFERENCE_MODEL": "stand-in-chat",
        "TUTORIAL_MODE": "record",
        "TUTORIAL_RECORDINGS": str(new),
    }
    for client in (connect(settings), connect(route="v1"), connect(route="models")):
        client.complete(ASK)
    paths = [request.path for request in standin.requests[-3:]]
    assert paths == ["/openai/v1/chat/completions"] * 2 + ["/models/chat/completions"]
    # What was sent to the other route is recorded when the lesson is recorded on that route.
    (path,) = new.rglob("*.json")
    assert path.parent.name == "v1"
    assert len(json.loads(path.read_text(encoding="utf-8"))["exchanges"]) == 2


REFUSED: dict[str, tuple[dict[str, str], str, str]] = {
    "bad mode": ({"TUTORIAL_MODE": "Replay"}, ID, "TUTORIAL_MODE is 'Replay'"),
    "bad route": ({"TUTORIAL_ROUTE": "v2"}, ID, "TUTORIAL_ROUTE is 'v2'"),
    "live to nowhere": ({"TUTORIAL_MODE": "live"}, ID, "AZURE_INFERENCE_ENDPOINT is not set"),
    "record from nowhere": ({"TUTORIAL_MODE": "record"}, ID, "AZURE_INFERENCE_ENDPOINT is not"),
    "time-out in words": ({"TUTORIAL_TIMEOUT": "5 min"}, ID, "TUTORIAL_TIMEOUT is '5 min'"),
    "time-out of nothing": ({**LIVE, "TUTORIAL_TIMEOUT": "0"}, ID, "TUTORIAL_TIMEOUT is '0'"),
    "no number": ({"TUTORIAL_TIMEOUT": "nan"}, ID, "TUTORIAL_TIMEOUT is 'nan'"),
    "endless": ({"TUTORIAL_TIMEOUT": "1e10"}, ID, "TUTORIAL_TIMEOUT is '1e10'"),
    "http in words": ({"TUTORIAL_ALLOW_HTTP": "yes"}, ID, "TUTORIAL_ALLOW_HTTP is 'yes'"),
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


def test_a_lesson_without_its_recording_says_so(connect: Connect, root: Path) -> None:
    (root / "tests" / "cassettes" / "v1" / f"{ID}.json").unlink()
    with pytest.raises(RecordingError, match=f"no recording cassettes/v1/{ID}.json"):
        connect()


def test_the_env_file_is_read_and_the_environment_wins(connect: Connect, root: Path) -> None:
    lines = [f'{name}="{value}"' for name, value in LIVE.items()]
    (root / ".env").write_text("\n".join(lines), encoding="utf-8")
    assert connect().model == "my-deployment"
    assert connect({"AZURE_INFERENCE_MODEL": "another"}).model == "another"
    assert type(connect({"AZURE_INFERENCE_ENDPOINT": ""}).transport) is ReplayTransport


@pytest.mark.parametrize(
    "kind", ["folder", "zeros", "UTF-16", "UTF-16 with its mark", "Latin-1", "forbidden", "loop"]
)
def test_an_env_file_that_cannot_be_read_is_refused(
    kind: str, connect: Connect, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, text = root / ".env", f"AZURE_INFERENCE_CREDENTIAL={KEY}"
    if kind == "folder":
        path.mkdir()
    elif kind == "loop":
        pytest.importorskip("posix")
        path.symlink_to(path)
    elif kind == "forbidden":  # no mode forbids it to an administrator
        monkeypatch.setattr(Path, "read_text", Mock(side_effect=PermissionError(13, KEY)))
    else:
        encodings = {"UTF-16": "utf-16-le", "UTF-16 with its mark": "utf-16", "Latin-1": "latin-1"}
        end = "é" if kind == "Latin-1" else "\0"
        path.write_bytes(f"{text}{end}".encode(encodings.get(kind, "utf-8")))
    with pytest.raises(ConfigurationError, match=r"The file \.env can't be read") as failure:
        connect()
    assert not leaked(failure.value, failure.value.__context__)


def test_what_is_entered_counts_first_until_it_is_taken_back(connect: Connect) -> None:
    entered = lesson.Settings(HERE, TUTORIAL_MODE="live", AZURE_INFERENCE_CREDENTIAL=None)
    before = dict(os.environ)
    try:
        lesson.override_settings(entered)
        assert dict(os.environ) == before
        assert connect({**LIVE, "TUTORIAL_MODE": "replay"}).endpoint.startswith("http://127.0.0.1")
    finally:
        lesson.override_settings(lesson.Settings())
    assert type(connect().transport) is ReplayTransport


def test_settings_can_be_tried_without_being_entered(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    client, told = lesson.build_client(ID, lesson.Settings(LIVE))
    assert (client.model, capsys.readouterr().out) == ("my-deployment", "")
    assert told == "Answers: live from your endpoint; route models, model my-deployment."
    assert type(connect().transport) is ReplayTransport


@pytest.mark.usefixtures("connect")
def test_a_traceback_with_locals_shows_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_INFERENCE_CREDENTIAL", KEY)
    monkeypatch.setenv("TUTORIAL_MODE", "dead")
    with pytest.raises(ConfigurationError) as failure:
        lesson.connect(ID)
    told = TracebackException.from_exception(failure.value, capture_locals=True)
    text = "".join(told.format())
    assert "settings = [" in text and "'AZURE_INFERENCE_CREDENTIAL'" in text
    assert not leaked(text)


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what was printed, as one line. Each of its lines fits a narrow window."""
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= lesson.WIDTH
    return " ".join(out.split())


def provenance(root: Path, route: str, **facts: str) -> None:
    path = root / "tests" / "cassettes" / route / f"{ID}.json"
    recording = json.loads(path.read_text(encoding="utf-8"))
    recording["provenance"] |= facts
    path.write_text(json.dumps(recording), encoding="utf-8")


def test_a_replay_says_who_answered_and_when(
    connect: Connect, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases: tuple[tuple[dict[str, int], str], ...] = (
        ({"script": 3}, "all scripted (no model wrote them)"),
        ({"live": 2}, "2 of 2 by a live deployment of my-own"),
        (
            {"script": 9, "Small-1M": 14},
            "14 of 23 by Small-1M, a small real model that is often wrong; 9 ",
        ),
    )
    for by, told in cases:
        provenance(root, "v1", answered_by=by, recorded="2030-01-02", model="my-own")
        connect({"TUTORIAL_ROUTE": "v1"})
        line = printed(capsys)
        assert line.startswith("Answers: recorded 2030-01-02, ")
        assert told in line
        assert line.endswith("route v1.")


def test_what_was_recorded_live_is_replayed_first(connect: Connect, root: Path) -> None:
    provenance(root, "models", answered_by={"live": 1})
    assert connect().route.name == "models"
    assert connect({"TUTORIAL_ROUTE": "v1"}).route.name == "v1"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (LIVE, "Answers: live from your endpoint; route models, model my-deployment."),
        (HERE, "Answers: live from a server on this machine; route v1, model (none named)."),
    ],
    ids=["another machine", "this machine"],
)
def test_a_live_client_says_so_and_names_no_host(
    connect: Connect, settings: Any, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    connect(settings)
    out = printed(capsys)
    assert out == told
    assert not leaked(out)


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
    facts = {k: v for k, v in recording["provenance"].items() if k != "recorded"}
    assert facts == {
        "answered_by": {"live": 1}, "route": "models", "api_version": "2024-05-01-preview",
        "model": "my-deployment",
    }  # fmt: skip
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


ENTRA = (
    *("AZURE_TOKEN_CREDENTIALS", "AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID", "AZURE_CLIENT_ID"),
    *("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "HTTPS_PROXY"),
)
SIGN_IN: dict[str, tuple[dict[str, str], str]] = {
    "credential": ({"AZURE_TOKEN_CREDENTIALS": "bogus"}, "AZURE_TOKEN_CREDENTIALS"),
    "authority, http": ({"AZURE_AUTHORITY_HOST": "http://login.example"}, "AZURE_AUTHORITY_HOST"),
    "authority, words": ({"AZURE_AUTHORITY_HOST": "not a host"}, "AZURE_AUTHORITY_HOST"),
    "tenant": ({"AZURE_TENANT_ID": "a b"}, "AZURE_TENANT_ID"),
    "certificate": (
        {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c",
         "AZURE_CLIENT_CERTIFICATE_PATH": "/no/such.pem"}, "AZURE_CLIENT_CERTIFICATE_PATH"),
    "bundle": ({"REQUESTS_CA_BUNDLE": "/no/such.pem"}, "REQUESTS_CA_BUNDLE"),
    "other bundle": ({"CURL_CA_BUNDLE": os.devnull}, "CURL_CA_BUNDLE"),
    "SSL": ({"SSL_CERT_FILE": "/no/such.pem"}, "SSL_CERT_FILE"),
    "proxy": ({"HTTPS_PROXY": f"socks://me:{KEY}@h"}, "HTTPS_PROXY"),
}  # fmt: skip


@pytest.mark.usefixtures("no_sign_in")
@pytest.mark.parametrize(("settings", "name"), SIGN_IN.values(), ids=SIGN_IN)
def test_a_setting_of_the_machine_that_cannot_work_is_named(
    connect: Connect, settings: dict[str, str], name: str
) -> None:
    with pytest.raises(ConfigurationError) as failure:
        connect({**LIVE, "AZURE_INFERENCE_CREDENTIAL": "", **settings})
    assert name in str(failure.value)
    assert not leaked(failure.value)


@pytest.mark.usefixtures("no_sign_in")
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
    assert "your endpoint, over plain http; route v1" in printed(capsys)
    request = connect().build_request(ASK)
    assert request.extensions["timeout"]["read"] == 600.5


REFUSAL = {"error": {"message": "Unsupported parameter: 'seed'.", "param": "seed"}}


def test_a_live_lesson_goes_on_without_a_refused_parameter_and_says_so(
    connect: Connect, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    service.answers = answer(400, REFUSAL), answer()
    connect(LIVE).complete(ASK, seed=1)
    assert "seed" not in service.body
    assert "The model refused seed: it is left out" in capsys.readouterr().out


def test_a_recording_keeps_the_refusal(connect: Connect, service: Service) -> None:
    service.answers = answer(400, REFUSAL), answer()
    with pytest.raises(BadParameterError):
        connect({**LIVE, "TUTORIAL_MODE": "record"}).complete(ASK, seed=1)


def test_each_wait_is_told(
    connect: Connect, service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    service.answers = answer(429, "", retry_after_ms="1"), answer()
    connect(LIVE).complete(ASK)
    told = f"{RateLimitError.summary} Waiting 1 s, as it asks, then trying again.\n"
    assert capsys.readouterr().out.endswith(told)


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
