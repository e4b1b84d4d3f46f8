"""Make a client from the environment, and print one line that says whose answers it gives.

Only this module reads these settings: from the environment, else from the file ``.env`` in the
top folder.

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
from contextlib import suppress
from pathlib import Path
from textwrap import fill
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
from helpers.lessons import ROOT, Lesson, find_lesson
from helpers.recordings.cassette import LIVE, describe_provenance, load, partial_path
from helpers.recordings.record import RecordingTransport
from helpers.recordings.replay import ReplayTransport

WIDTH = 64
"""Characters of a printed line: JupyterLab breaks longer ones in a narrow window, within words."""
MODES = ("replay", "live", "record")
MAX_TIMEOUT = 86_400.0  # seconds; longer ones overflow in some systems
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
STANDIN_PATHS: dict[RouteName, str] = {"models": "/models", "v1": "/openai/v1"}


class Settings(dict[str, str | None]):
    """Settings whose ``repr`` shows no value: verbose tracebacks print local variables."""

    def __repr__(self) -> str:
        return repr(list(self))


_overrides = Settings()
_recorders: dict[Path, RecordingTransport] = {}
"""Who writes each file: two clients of a lesson that record the same route write one file."""


def connect(lesson: str, route: RouteName | None = None) -> ChatCompletionsClient:
    """Return a client for ``lesson`` (its notebook's name); print whose answers it gives.

    ``route`` is for a second client beside the first. If the endpoint does not have that route, the
    client replays, and the line says so.
    Raise ``ConfigurationError`` for bad settings, ``RecordingError`` without a good recording.
    """
    client, line = build_client(lesson, route=route)
    line = line.replace(" route ", " route\0")  # the route and its name stay together
    lines = fill(line, WIDTH, break_long_words=False, break_on_hyphens=False)
    print(lines.replace("\0", " "))
    return client


def build_client(
    name: str, overrides: Settings | None = None, route: RouteName | None = None
) -> tuple[ChatCompletionsClient, str]:
    """Return the client and the line of ``connect``.

    ``overrides`` win over the environment, in place of those of ``override_settings``.
    """
    lesson = find_lesson(name)
    settings = _read_settings()
    settings |= _overrides if overrides is None else overrides
    endpoint = Secret(settings.get("AZURE_INFERENCE_ENDPOINT") or "")  # it may hold a password
    model = settings.get("AZURE_INFERENCE_MODEL") or None
    mode = _mode(settings)
    named = _choice(ROUTES, settings, "TUTORIAL_ROUTE")
    folder = settings.get("TUTORIAL_RECORDINGS")
    options: dict[str, Any] = {
        "on_wait": _print_wait,
        "timeout": _timeout(settings),
        "allow_http": _choice(("0", "1"), settings, "TUTORIAL_ALLOW_HTTP") == "1",
    }
    if mode == "replay":
        path = lesson.cassette(route or named or _recorded_route(lesson))
        new = Path(folder, *path.parts[-2:]) if folder else path
        # The run that is replayed may have recorded the other route only.
        return _replaying(path if route and not new.exists() else new)
    if not endpoint:
        raise ConfigurationError(
            f"TUTORIAL_MODE is {mode}, but AZURE_INFERENCE_ENDPOINT is not set.",
            advice="set it (lesson 00 shows how), or unset TUTORIAL_MODE to see the recordings.",
        )
    target = route_for(endpoint, named)
    is_other = route not in (None, target.name)
    if route and is_other:
        if not (target.is_loopback and target.endpoint.path == STANDIN_PATHS[target.name]):
            client, line = _replaying(lesson.cassette(route))
            return client, f"{line} Your endpoint has the route {target.name}, so it is not asked."
        # The stand-in has both routes, each at its own path.
        target = route_for(str(target.endpoint.copy_with(path=STANDIN_PATHS[route])))
    network = NetworkTransport(target)
    transport: NetworkTransport | RecordingTransport = network
    where = "a server on this machine" if target.is_loopback else "your endpoint"
    if target.endpoint.scheme == "http" and not target.is_loopback:
        where += ", over plain http"
    line = f"Answers: live from {where}; route {target.name}, model {model or '(none named)'}."
    if mode == "live":  # a replay would not find what was adapted
        options["adapter"] = ParameterAdapter(print)
    elif not is_other:  # a lesson is recorded once for each route, with all calls on that route
        path = lesson.cassette(target.name)
        into = Path(folder, *path.parts[-2:]) if folder else partial_path(path)
        if route is None or into not in _recorders:
            version = API_VERSION if target.name == "models" else None
            provenance: JSON = {"route": target.name, "api_version": version, "model": model}
            _recorders[into] = RecordingTransport(path, network, lesson.id, provenance, into)
        transport = _recorders[into]
        file = path.relative_to(ROOT).as_posix()
        if folder:
            line += f" They replace {file} if the whole lesson succeeds."
        else:
            line += (
                f" They are recorded into {file}.new. `python -m helpers record {lesson.id}`, with "
                "the same settings, records the whole lesson and replaces its recording."
            )
    client = ChatCompletionsClient(
        Secret(target.endpoint), _credential(settings, target, options["allow_http"]), model,
        target.name, transport=transport, **options,
    )  # fmt: skip
    return client, line


def current_mode() -> str:
    """Return the mode that the environment chooses: ``replay``, ``live`` or ``record``."""
    return _mode(_read_settings())


def current_endpoint() -> str:
    """Return the endpoint that the environment names; empty if none."""
    return Secret(_read_settings().get("AZURE_INFERENCE_ENDPOINT") or "")


def current_credential() -> str:
    """Return the key that the environment holds; empty if none."""
    return Secret(_read_settings().get("AZURE_INFERENCE_CREDENTIAL") or "")


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


def _recorded_route(lesson: Lesson) -> RouteName:
    """Return the route that was recorded from a live deployment, if any, else ``v1``."""
    for route in ROUTES:
        path = lesson.cassette(route)
        if path.exists() and LIVE in load(path)["provenance"]["answered_by"]:
            return route
    return "v1"


def _replaying(path: Path) -> tuple[ChatCompletionsClient, str]:
    is_paced = is_interactive()
    transport = ReplayTransport(path, pace=is_paced)
    provenance = transport.recording["provenance"]
    client = ChatCompletionsClient(
        REPLAYED_ENDPOINTS[provenance["route"]], AzureKeyCredential("none"), provenance["model"],
        on_wait=_print_wait, transport=transport, max_sleep=1.0 if is_paced else 0.0,
    )  # fmt: skip
    return client, describe_provenance(provenance)


def _read_settings() -> Settings:
    """Return the environment, and what the file ``.env`` adds to it."""
    text, why = Secret(), ""
    try:
        text = Secret((ROOT / ".env").read_text(encoding="utf-8"))
        why = "UnicodeError" if "\0" in text else ""  # as in UTF-16 without a byte order mark
    except FileNotFoundError:
        pass
    except (OSError, UnicodeError) as reason:
        why = type(reason).__name__
    if why:  # raised out here, because the reason holds what is in the file
        raise ConfigurationError(
            f"The file .env can't be read: {why}.",
            advice="save it with the encoding UTF-8 where you may read it, or move it away.",
        )
    return Settings({**dotenv_values(stream=io.StringIO(text)), **os.environ})


def _timeout(settings: Settings) -> float:
    value = settings.get("TUTORIAL_TIMEOUT") or "120"
    with suppress(ValueError):
        if 0 < float(value) <= MAX_TIMEOUT:
            return float(value)
    raise ConfigurationError(
        f"TUTORIAL_TIMEOUT is {value!r}.",
        advice=f"set it to a number of seconds up to {MAX_TIMEOUT:g}, or unset it.",
    )


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
            if not os.path.isdir(path):  # a folder of certificates is fine too
                check_certificates(name)
            break
    options: dict[str, Any] = {}
    if is_government and not os.environ.get("AZURE_AUTHORITY_HOST"):
        options["authority"] = AzureAuthorityHosts.AZURE_GOVERNMENT
    try:
        return DefaultAzureCredential(**options)
    except Exception as reason:
        names = [n for n in os.environ if n.startswith("AZURE_") and "INFERENCE" not in n]
        named = [name for name in names if name in str(reason)] or names
    raise ConfigurationError(  # out here it has no __context__, which may quote a value
        f"Entra ID can't be used with these settings: {', '.join(named)}.",
        advice="correct or unset them, or set AZURE_INFERENCE_CREDENTIAL to use a key.",
    )


def _print_wait(seconds: float, reason: ChatError) -> None:
    print(wait_notice(seconds, reason))
