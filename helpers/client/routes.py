"""The two routes, and everything in which they differ.

``models`` is the route of Microsoft's article, ``v1`` its successor. The endpoint's URL decides.
"""

import ipaddress
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, cast

import httpx

from helpers.client.errors import BadParameterError, ConfigurationError
from helpers.client.messages import JSON

RouteName = Literal["models", "v1"]
ROUTES: tuple[RouteName, ...] = ("v1", "models")
EXTRA_PARAMETERS = {"models": ("pass-through", "drop", "error"), "v1": ("pass-through",)}
"""What the option ``extra_parameters`` can be on each route."""
API_VERSION = "2024-05-01-preview"
"""The only api-version of the ``models`` route that is known to work; others return a 404."""
MODELS_OPTIONS = frozenset(
    (
        *("frequency_penalty", "max_tokens", "presence_penalty", "response_format", "seed"),
        *("stop", "stream", "temperature", "tool_choice", "tools", "top_p"),
    )
)
"""The parameters that the ``models`` route knows; any other is an extra parameter."""
SERVERLESS = (".models.ai.azure.com", ".inference.ai.azure.com", ".inference.ml.azure.com")
GITHUB_MODELS = ("models.github.ai", "models.inference.ai.azure.com")
MAI_PATH = "/mai/v1"
"""Where MAI models answer: v1 with the key as ``api-key`` and the scope of ``models``."""
ENDPOINT_FORMS = (
    "https://RESOURCE.services.ai.azure.com/models (route models) or "
    "https://RESOURCE.openai.azure.com/openai/v1 (route v1)"
)


@dataclass(frozen=True)
class Route:
    """Where requests go; ``bearer_key``: with a key as a Bearer token, not as ``api-key``."""

    name: RouteName
    endpoint: httpx.URL
    bearer_key: bool

    @cached_property
    def url(self) -> httpx.URL:
        """The URL that requests are posted to."""
        url = self.endpoint.copy_with(path=self.endpoint.path.rstrip("/") + "/chat/completions")
        return url.copy_add_param("api-version", API_VERSION) if self.name == "models" else url

    @property
    def scope(self) -> str:
        """The scope of an Entra ID token; ``ConfigurationError`` in a cloud where it is not known.

        Azure Government documents ``ai.azure.us`` for projects only; its refusals name
        ``cognitiveservices.azure.us`` for resources.
        """
        found = _CLOUD.search(self.endpoint.host)
        cloud = (found[1] or found[2]) if found else "com"
        if cloud not in ("com", "us"):
            raise ConfigurationError(
                f"The audience of Entra ID tokens for endpoints in .azure.{cloud} is not known. "
                "Nothing was sent.",
                advice="use a key (AZURE_INFERENCE_CREDENTIAL), or an endpoint in .azure.com or "
                ".azure.us.",
            )
        is_project = self.endpoint.path.startswith("/api/projects/")
        older = self.name == "models" or self._is_mai or (cloud == "us" and not is_project)
        return f"https://{'cognitiveservices' if older else 'ai'}.azure.{cloud}/.default"

    @property
    def stream_defaults(self) -> JSON:
        """What asks for the usage of a stream; the ``models`` route and MAI tell it anyway."""
        asks = self.name == "v1" and not self._is_mai
        return {"stream_options": {"include_usage": True}} if asks else {}

    @property
    def _is_mai(self) -> bool:
        return self.endpoint.path.rstrip("/") == MAI_PATH

    @property
    def is_loopback(self) -> bool:
        """Whether the endpoint is on this machine."""
        try:
            return ipaddress.ip_address(self.endpoint.host).is_loopback
        except ValueError:
            return self.endpoint.host == "localhost"

    def build(self, options: JSON) -> tuple[dict[str, str], JSON]:
        """Return headers and body for ``options``: ``messages``, ``model`` and parameters.

        On ``models`` an extra parameter needs the header ``extra-parameters``, whose value
        ``options["extra_parameters"]`` chooses ("pass-through" by default). ``v1`` has no such
        header: the model judges each parameter. Raises ``BadParameterError``.
        """
        body = dict(options)
        policy = body.pop("extra_parameters", None)
        if policy not in (None, *EXTRA_PARAMETERS[self.name]):
            reason = " That route passes every parameter on." if self.name == "v1" else ""
            raise BadParameterError(
                f"extra_parameters is {policy!r}; on the {self.name} route it can be "
                f"{', '.join(EXTRA_PARAMETERS[self.name])}.{reason}"
            )
        if self.name == "v1":
            return {}, body
        extras = body.keys() - MODELS_OPTIONS - {"messages", "model"}
        policy = policy or ("pass-through" if extras else None)
        return ({"extra-parameters": policy} if policy else {}), body


def route_for(endpoint: str, name: RouteName | None = None) -> Route:
    """Return the route of ``endpoint``; ``name`` decides where the URL does not.

    Raises ``ConfigurationError`` for a URL that can't be an endpoint; its advice names the right
    form.
    """
    if name is not None and name not in ROUTES:
        raise ConfigurationError(f"There is no route {name!r}.", advice="use models or v1.")
    url = None
    with suppress(httpx.InvalidURL, TypeError, AttributeError, UnicodeError):
        url = httpx.URL(endpoint.strip())
    if url is None:  # raised out here, because the reason may quote a password
        raise _refused("It is not a URL.")
    path, is_call = url.path.rstrip("/"), bool(url.query or url.fragment)
    # Verbose tracebacks show local variables, and a query may hold a key.
    host, url = url.host, url.copy_with(query=None, fragment=None)
    if url.scheme not in ("http", "https") or not host:
        raise _refused("It does not start with https:// and a host name.")
    if url.userinfo:
        raise _refused("It holds a user name or password.", "leave them out; use a credential.")
    if host in GITHUB_MODELS:
        raise _refused(
            "GitHub Models ended on 30 July 2026.",
            "leave the endpoint out to see the recordings, start a model server on this machine, "
            f"or use a deployment of your own: {ENDPOINT_FORMS}.",
        )
    if is_call or path.endswith("/chat/completions"):
        raise _refused(
            "It is the address of one call, not the endpoint.",
            _right_form(host, path.removesuffix("/chat/completions")),
        )
    is_serverless, is_azure = host.endswith(SERVERLESS), _AZURE.search(host) is not None
    if _FOUNDRY.search(host) and _PROJECT.fullmatch(path):  # the address that the portal shows
        path += "/openai/v1"
        url = url.copy_with(path=path)
    found: RouteName | None = None
    if is_serverless:
        found = "models"
    elif path.endswith("/v1"):
        found = "v1"
    elif path == "/models" if is_azure else path.endswith("/models"):
        found = None if _AZURE_OPENAI.search(host) else "models"
    if found is None and (name is None or is_azure):
        raise _refused(f"Its path is {path or '/'!r}.", _right_form(host, path))
    if name and found and name != found and not is_serverless and (is_azure or found == "v1"):
        raise ConfigurationError(
            f"The endpoint ends in {url.path!r}, which is the {found} route, not {name}.",
            advice=f"name no route, or use the endpoint of the {name} route.",
        )
    route = cast(RouteName, name or found)
    takes_api_key = path.endswith("/openai/v1") or (is_azure and path == MAI_PATH)
    return Route(route, url, bearer_key=is_serverless or (route == "v1" and not takes_api_key))


_AZURE = re.compile(r"\.azure\.(?:com|us|cn)$")
_AZURE_OPENAI = re.compile(r"\.openai\.azure\.\w+$")
_FOUNDRY = re.compile(r"\.services\.ai\.azure\.\w+$")
_CLOUD = re.compile(r"\.(?:openai|ai|cognitiveservices)\.azure\.(.+)$|\.azure-api\.(us|cn)$")
"""Matches the end of an Azure host: com, us (Government), cn (China) and others."""
_PROJECT = re.compile(r"/api/projects/[^/]+")


def _right_form(host: str, path: str) -> str:
    if host.endswith(SERVERLESS):
        return f"use https://{host}"
    if _AZURE_OPENAI.search(host):
        return f"use https://{host}/openai/v1"
    if _FOUNDRY.search(host) and path.startswith("/api"):
        project = _PROJECT.match(path)
        return f"use https://{host}{project[0] if project else '/api/projects/PROJECT'}/openai/v1."
    if _FOUNDRY.search(host):
        return f"use https://{host}/models (route models) or https://{host}/openai/v1 (route v1)."
    return f"end it in /models or /v1, or name the route. On Azure: {ENDPOINT_FORMS}."


def _refused(why: str, advice: str = f"use the form {ENDPOINT_FORMS}.") -> ConfigurationError:
    return ConfigurationError(f"The endpoint can't be used. {why}", advice=advice)
