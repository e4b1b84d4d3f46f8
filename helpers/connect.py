"""``connect``: from the environment to a client, with one line that says whose answers you see.

The only module that reads the environment, and the ``.env`` file at the top of the repository:

AZURE_INFERENCE_ENDPOINT    ends in /models or /openai/v1; set it to go live
AZURE_INFERENCE_CREDENTIAL  the key; without one Entra ID signs in (on this machine: nobody)
AZURE_INFERENCE_MODEL       the name of your deployment
TUTORIAL_MODE               replay, live or record; by default live if there is an endpoint
TUTORIAL_ROUTE              models or v1: which recordings to replay, or the route of an endpoint
                            whose URL does not tell it
TUTORIAL_HEADLESS           set to anything: no live updates and no pauses, as in a headless run
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TypeVar

from azure.core.credentials import AzureKeyCredential
from dotenv import dotenv_values

from helpers.client.client import ChatCompletionsClient
from helpers.client.errors import ChatError, ConfigurationError
from helpers.client.exchange import Secret
from helpers.client.messages import JSON
from helpers.client.retry import wait_notice
from helpers.client.routes import API_VERSION, ROUTES, RouteName, route_for
from helpers.client.transport import NetworkTransport
from helpers.lessons import LESSONS, ROOT, Lesson
from helpers.recordings.cassette import load
from helpers.recordings.record import RecordingTransport
from helpers.recordings.replay import ReplayTransport

if TYPE_CHECKING:
    from helpers.client.auth import Credential

MODES = ("replay", "live", "record")
Word = TypeVar("Word", bound=str)
REPLAYED_ENDPOINTS: dict[RouteName, str] = {
    "models": "https://replayed.services.ai.azure.com/models",
    "v1": "https://replayed.openai.azure.com/openai/v1",
}


class Settings(dict[str, str | None]):
    """Settings whose ``repr`` shows no value: a verbose traceback prints the locals it meets."""

    def __repr__(self) -> str:
        return repr(list(self))


_overrides = Settings()


def connect(lesson: str) -> ChatCompletionsClient:
    """A client for ``lesson`` (its notebook's name), and one printed line on its answers.

    Raises ``ConfigurationError`` for settings that can't work, ``RecordingError`` if the lesson's
    recording is missing or damaged.
    """
    client, told = build_client(lesson)
    print(told)
    return client


def build_client(lesson: str, entered: Settings | None = None) -> tuple[ChatCompletionsClient, str]:
    """What ``connect`` gives and what it prints; or would, if ``entered`` had been ``enter``ed."""
    facts = _lesson(lesson)
    settings = _env_file()
    settings |= os.environ
    settings |= _overrides if entered is None else entered
    endpoint = Secret(settings.get("AZURE_INFERENCE_ENDPOINT") or "")  # it may hold a password
    model = settings.get("AZURE_INFERENCE_MODEL") or None
    mode = _one_of(MODES, settings, "TUTORIAL_MODE") or ("live" if endpoint else "replay")
    route = _one_of(ROUTES, settings, "TUTORIAL_ROUTE")
    if mode == "replay":
        return _replaying(facts, route or _recorded_route(facts))
    if not endpoint:
        raise ConfigurationError(
            f"TUTORIAL_MODE is {mode}, but AZURE_INFERENCE_ENDPOINT is not set.",
            advice="set it (lesson 00 shows how), or unset TUTORIAL_MODE to see the recordings.",
        )
    target = route_for(endpoint, route)
    network = NetworkTransport(target)
    transport: NetworkTransport | RecordingTransport = network
    where = "a server on this machine" if target.is_loopback else "your endpoint"
    told = f"Answers: live from {where}; route {target.name}, model {model or '(none named)'}."
    if mode == "record":
        path = facts.cassette(target.name)
        version = API_VERSION if target.name == "models" else None
        provenance: JSON = {"route": target.name, "api_version": version, "model": model}
        transport = RecordingTransport(path, network, facts.id, provenance)
        told += f" They are recorded into {path.relative_to(ROOT).as_posix()}."
    client = ChatCompletionsClient(
        endpoint, _credential(settings, target.is_loopback), model, route,
        on_wait=_say_wait, transport=transport,
    )  # fmt: skip
    return client, told


def override_settings(settings: Settings) -> None:
    """Have ``connect`` take ``settings`` before those of the environment, if there are any.

    They are known to this process alone. What stands in ``os.environ`` is handed on to every
    program that is started from a notebook, and ``%env`` shows it.
    """
    _overrides.clear()
    _overrides.update(settings)


def is_interactive() -> bool:
    """True in JupyterLab, Notebook or VS Code; False under papermill, nbval and the like."""
    if os.environ.get("TUTORIAL_HEADLESS"):
        return False
    if os.environ.get("JPY_SESSION_NAME"):  # set for kernels that Jupyter's server starts
        return True
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and "__vsc_ipynb_file__" in shell.user_ns


def _recorded_route(facts: Lesson) -> RouteName:
    """The route that was recorded from a live deployment, if one was; else the article's."""
    for route in ROUTES:
        path = facts.cassette(route)
        if path.exists() and load(path)["provenance"]["answered_by"] == "live":
            return route
    return "models"


def _replaying(facts: Lesson, route: RouteName) -> tuple[ChatCompletionsClient, str]:
    watched = is_interactive()
    player = ReplayTransport(facts.cassette(route), pace=watched)
    provenance = player.tape["provenance"]
    client = ChatCompletionsClient(
        REPLAYED_ENDPOINTS[route], AzureKeyCredential("none"), provenance["model"],
        on_wait=_say_wait, transport=player,
        max_pause=1.0 if watched else 0.0,
    )  # fmt: skip
    return client, describe_provenance(provenance)


def describe_provenance(provenance: JSON) -> str:
    """Who answered a recording, when and by which route, in one line."""
    by = {
        "stand-in": "the stand-in endpoint (scripted: no model wrote them)",
        "live": f"a live deployment of {provenance['model']}",
    }[provenance["answered_by"]]
    told = f"Answers: recorded {provenance['recorded']} from {by}, route {provenance['route']}"
    kept = provenance.get("kept_from_stand_in")
    return f"{told}; {kept} of them kept from the stand-in endpoint." if kept else f"{told}."


def _lesson(name: str) -> Lesson:
    for lesson in LESSONS:
        if lesson.id == name:
            return lesson
    known = ", ".join(lesson.id for lesson in LESSONS)
    raise ConfigurationError(f"There is no lesson {name!r}.", advice=f"use one of {known}.")


def _env_file() -> Settings:
    try:
        return Settings(dotenv_values(ROOT / ".env"))
    except UnicodeDecodeError:
        raise ConfigurationError(
            "The file .env is not UTF-8 text.", advice="save it again with the encoding UTF-8."
        ) from None


def _one_of(known: tuple[Word, ...], settings: Settings, name: str) -> Word | None:
    """The setting ``name``, which is one of the ``known`` words; None if it is not set."""
    value = settings.get(name) or None
    if value is not None and value not in known:
        raise ConfigurationError(
            f"{name} is {value!r}.", advice=f"set it to {' or '.join(known)}, or unset it."
        )
    return value


def _credential(settings: Settings, loopback: bool) -> Credential | None:
    if key := settings.get("AZURE_INFERENCE_CREDENTIAL"):
        return AzureKeyCredential(key)
    if loopback:
        return None
    from azure.identity import DefaultAzureCredential  # 0.3 s that only Entra ID users pay

    return DefaultAzureCredential()


def _say_wait(seconds: float, reason: ChatError) -> None:
    print(wait_notice(seconds, reason))
