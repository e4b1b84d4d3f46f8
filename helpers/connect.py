"""Make a client from the environment, and print one line that says whose answers it gives.

Only this module reads the environment, and the ``.env`` file of the repository, which comes second.

AZURE_INFERENCE_ENDPOINT    ends in /openai/v1 or /models, or is a project's; set it to go live
AZURE_INFERENCE_CREDENTIAL  the key; without one Entra ID signs in (not at a local server)
AZURE_INFERENCE_MODEL       the name of your deployment
TUTORIAL_MODE               replay, live or record; by default live if there is an endpoint
TUTORIAL_ROUTE              v1 (the default) or models: the recordings to replay, or what a URL does
                            not tell
TUTORIAL_TIMEOUT            seconds to wait for the next bytes of an answer; by default 120
TUTORIAL_ALLOW_HTTP         1 allows plain http to another machine, without key or token
TUTORIAL_HEADLESS           any value: no live updates and no pauses, as in a headless run
TUTORIAL_RECORDINGS         a folder of recordings instead of ``tests/cassettes``; set by programs
                            that record a whole lesson
"""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path
from typing import Any, TypeVar

from azure.core.credentials import AzureKeyCredential, TokenCredential
from dotenv import dotenv_values

from helpers.client.adapter import ParameterAdapter
from helpers.client.client import ChatCompletionsClient
from helpers.client.errors import ChatError, ConfigurationError
from helpers.client.messages import JSON
from helpers.client.redaction import Secret
from helpers.client.retry import wait_notice
from helpers.client.routes import API_VERSION, ROUTES, Route, RouteName, route_for
from helpers.client.transport import NetworkTransport, check_certificates
from helpers.lessons import LESSONS, ROOT, Lesson
from helpers.recordings.cassette import LIVE, SCRIPT, beside, load
from helpers.recordings.record import RecordingTransport
from helpers.recordings.replay import ReplayTransport

MODES = ("replay", "live", "record")
MAX_TIMEOUT = 86_400.0
"""Seconds. Longer ones overflow in some systems."""
ENTRA_SETTINGS = {
    "AZURE_AUTHORITY_HOST": (r"(https://)?[\w.-]+(:\d+)?(/\S*)?", "the name of a sign-in host"),
    "AZURE_TENANT_ID": (r"[\w.-]+", "the id or the domain of a tenant"),
}
"""Settings that azure-identity checks late or not at all: their form, and what they name."""
Choice = TypeVar("Choice", bound=str)
REPLAYED_ENDPOINTS: dict[RouteName, str] = {
    "models": "https://replayed.services.ai.azure.com/models",
    "v1": "https://replayed.openai.azure.com/openai/v1",
}


class Settings(dict[str, str | None]):
    """Settings whose ``repr`` shows no value: verbose tracebacks print local variables."""

    def __repr__(self) -> str:
        return repr(list(self))


_overrides = Settings()


def connect(lesson: str) -> ChatCompletionsClient:
    """Return a client for ``lesson`` (its notebook's name); print whose answers it gives.

    Raise ``ConfigurationError`` for bad settings, ``RecordingError`` without a good recording.
    """
    client, line = build_client(lesson)
    print(line)
    return client


def build_client(lesson: str, entered: Settings | None = None) -> tuple[ChatCompletionsClient, str]:
    """Return the client and the line of ``connect``; ``entered`` replaces the set overrides."""
    facts = _lesson(lesson)
    settings = _read_settings()
    settings |= _overrides if entered is None else entered
    endpoint = Secret(settings.get("AZURE_INFERENCE_ENDPOINT") or "")  # it may hold a password
    model = settings.get("AZURE_INFERENCE_MODEL") or None
    mode = _mode(settings)
    route = _choice(ROUTES, settings, "TUTORIAL_ROUTE")
    folder = settings.get("TUTORIAL_RECORDINGS")
    options: dict[str, Any] = {
        "on_wait": _print_wait,
        "allow_http": _choice(("0", "1"), settings, "TUTORIAL_ALLOW_HTTP") == "1",
    }
    if timeout := _timeout(settings):
        options["timeout"] = timeout
    if mode == "replay":
        route = route or _recorded_route(facts)
        return _replaying(_cassette(facts, route, folder), route)
    if not endpoint:
        raise ConfigurationError(
            f"TUTORIAL_MODE is {mode}, but AZURE_INFERENCE_ENDPOINT is not set.",
            advice="set it (lesson 00 shows how), or unset TUTORIAL_MODE to see the recordings.",
        )
    target = route_for(endpoint, route)
    credential = _credential(settings, target, options["allow_http"])
    network = NetworkTransport(target)
    transport: NetworkTransport | RecordingTransport = network
    where = "a server on this machine" if target.is_loopback else "your endpoint"
    if target.endpoint.scheme == "http" and not target.is_loopback:
        where += ", over plain http"
    line = f"Answers: live from {where}; route {target.name}, model {model or '(none named)'}."
    if mode == "record":
        path, into = facts.cassette(target.name), _cassette(facts, target.name, folder)
        version = API_VERSION if target.name == "models" else None
        provenance: JSON = {"route": target.name, "api_version": version, "model": model}
        name = path.relative_to(ROOT).as_posix()
        if into == path:
            into = beside(path)
            line += (
                f" They are recorded into {name}.new. `python -m helpers run {facts.id}`, with the "
                "same settings, records the whole lesson and replaces its recording."
            )
        else:
            line += f" They replace {name} if the whole lesson succeeds."
        transport = RecordingTransport(path, network, facts.id, provenance, into=into)
    else:  # a replay would not find what was adapted
        options["adapter"] = ParameterAdapter(print)
    client = ChatCompletionsClient(
        endpoint, credential, model, route, transport=transport, **options
    )
    return client, line


def current_mode() -> str:
    """Return the mode that the environment chooses: ``replay``, ``live`` or ``record``."""
    return _mode(_read_settings())


def current_endpoint() -> str:
    """Return the endpoint that the environment names; empty if none."""
    return Secret(_read_settings().get("AZURE_INFERENCE_ENDPOINT") or "")


def override_settings(settings: Settings) -> None:
    """Let ``settings`` win over the environment until the next call.

    They are kept out of ``os.environ``, which every program started from a notebook inherits and
    which ``%env`` shows.
    """
    _overrides.clear()
    _overrides.update(settings)


def is_interactive() -> bool:
    """Return True in JupyterLab, Notebook and VS Code, False under papermill, nbval and others."""
    if os.environ.get("TUTORIAL_HEADLESS"):
        return False
    if os.environ.get("JPY_SESSION_NAME"):  # Jupyter's server sets it for its kernels
        return True
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and "__vsc_ipynb_file__" in shell.user_ns


def _recorded_route(facts: Lesson) -> RouteName:
    """Return the route that was recorded from a live deployment, if any, else ``v1``."""
    for route in ROUTES:
        path = facts.cassette(route)
        if path.exists() and LIVE in load(path)["provenance"]["answered_by"]:
            return route
    return "v1"


def _cassette(facts: Lesson, route: RouteName, folder: str | None) -> Path:
    """Return where the recording of a lesson is, in ``folder`` if one is set."""
    return Path(folder, route, f"{facts.id}.json") if folder else facts.cassette(route)


def _replaying(path: Path, route: RouteName) -> tuple[ChatCompletionsClient, str]:
    is_paced = is_interactive()
    transport = ReplayTransport(path, pace=is_paced)
    provenance = transport.tape["provenance"]
    client = ChatCompletionsClient(
        REPLAYED_ENDPOINTS[route], AzureKeyCredential("none"), provenance["model"],
        on_wait=_print_wait, transport=transport, max_pause=1.0 if is_paced else 0.0,
    )  # fmt: skip
    return client, describe_provenance(provenance)


def describe_provenance(provenance: JSON) -> str:
    """Return one line that says who answered a recording, when, and on which route."""
    counts = dict(provenance["answered_by"])
    total, scripted = sum(counts.values()), counts.pop(SCRIPT, 0)
    parts = [
        f"{count} of {total} by "
        + (
            f"a live deployment of {provenance['model']}"
            if name == LIVE
            else f"{name}, a small real model that is often wrong"
        )
        for name, count in counts.items()
    ]
    if scripted:
        parts.append(f"{scripted} scripted" if parts else "all scripted (no model wrote them)")
    when, route = provenance["recorded"], provenance["route"]
    return f"Answers: recorded {when}, {'; '.join(parts)}; route {route}."


def _lesson(name: str) -> Lesson:
    lessons = {lesson.id: lesson for lesson in LESSONS}
    if name not in lessons:
        advice = f"use one of {', '.join(lessons)}."
        raise ConfigurationError(f"There is no lesson {name!r}.", advice=advice)
    return lessons[name]


def _read_settings() -> Settings:
    """Return the environment, and what the file ``.env`` adds to it."""
    try:
        text = (ROOT / ".env").read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    except UnicodeDecodeError:
        text = "\0"
    except OSError as reason:
        raise ConfigurationError(
            f"The file .env can't be read: {type(reason).__name__}.",
            advice="make it a text file that you may read, or move it away.",
        ) from None
    if "\0" in text:  # as in UTF-16 without a byte order mark
        raise ConfigurationError(
            "The file .env is not UTF-8 text.", advice="save it again with the encoding UTF-8."
        )
    settings = Settings(dotenv_values(stream=io.StringIO(text)))
    settings |= os.environ
    return settings


def _timeout(settings: Settings) -> float | None:
    value = settings.get("TUTORIAL_TIMEOUT") or None
    try:
        seconds = float(value) if value else None
    except ValueError:
        seconds = 0.0
    if seconds is not None and not 0 < seconds <= MAX_TIMEOUT:
        raise ConfigurationError(
            f"TUTORIAL_TIMEOUT is {value!r}.",
            advice=f"set it to a number of seconds up to {MAX_TIMEOUT:g}, or unset it.",
        )
    return seconds


def _mode(settings: Settings) -> str:
    is_live = bool(settings.get("AZURE_INFERENCE_ENDPOINT"))
    return _choice(MODES, settings, "TUTORIAL_MODE") or ("live" if is_live else "replay")


def _choice(known: tuple[Choice, ...], settings: Settings, name: str) -> Choice | None:
    """Return the setting ``name``, one of the ``known`` values, or None if it is not set."""
    value = settings.get(name) or None
    if value is not None and value not in known:
        raise ConfigurationError(
            f"{name} is {value!r}.", advice=f"set it to {' or '.join(known)}, or unset it."
        )
    return value


def _credential(
    settings: Settings, route: Route, allow_http: bool
) -> AzureKeyCredential | TokenCredential | None:
    if key := settings.get("AZURE_INFERENCE_CREDENTIAL"):
        return AzureKeyCredential(key)
    if route.is_loopback or (allow_http and route.endpoint.scheme == "http"):
        return None
    return _entra_credential(is_government=".azure.us/" in route.scope)


def _entra_credential(*, is_government: bool) -> TokenCredential:
    """Return what signs in with Entra ID.

    Raises ``ConfigurationError`` for a setting of azure-identity, or of requests, its HTTP library,
    that can't work. It shows no value: that could be a secret in the wrong place.
    """
    from azure.identity import AzureAuthorityHosts, DefaultAzureCredential  # takes 0.3 s

    for name, (form, what) in ENTRA_SETTINGS.items():
        if (value := os.environ.get(name)) and not re.fullmatch(form, value, re.ASCII):
            raise ConfigurationError(
                f"{name} is not {what}.", advice=f"correct {name}, or unset it."
            )
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if path := os.environ.get(name):
            check_certificates(name, in_folder=os.path.isdir(path))
            break
    options: dict[str, Any] = {}
    if is_government and not os.environ.get("AZURE_AUTHORITY_HOST"):
        options["authority"] = AzureAuthorityHosts.AZURE_GOVERNMENT
    try:
        return DefaultAzureCredential(**options)
    except Exception as reason:
        names = [
            name for name in os.environ if name.startswith("AZURE_") and "INFERENCE" not in name
        ]
        named = [name for name in names if name in str(reason)] or names
        raise ConfigurationError(
            f"Entra ID can't be used with these settings: {', '.join(named)}.",
            advice="correct or unset them, or set AZURE_INFERENCE_CREDENTIAL to use a key.",
        ) from None


def _print_wait(seconds: float, reason: ChatError) -> None:
    print(wait_notice(seconds, reason))
