"""Which endpoints each route accepts, and what is said about the others."""

from typing import Any

import pytest

from helpers import ConfigurationError
from helpers.client.routes import route_for
from tests.fakes import MODELS, V1, unwrapped

RES = "https://my-resource.services.ai.azure.com"
RES_US = "https://my-resource.services.ai.azure.us"
AOAI = "https://my-resource.openai.azure.com"
SERVERLESS = "https://my-model.eastus.models.ai.azure.com"
VERSION = "?api-version=2024-05-01-preview"
PROJECT = f"{RES}/api/projects/my%20p"
CHINA = "https://r.openai.azure.cn"

OTHER = "https://api.example.com"
MANAGED = "https://m.eastus.inference.ml.azure.com"
ACCEPTED: dict[str, tuple[str, Any, str, bool, str]] = {
    # endpoint, route named, route found, key as Bearer, URL posted to without its end
    "the article's": (MODELS, None, "models", False, MODELS),
    "blanks and capitals": (f" HTTPS{MODELS[5:]}\n", None, "models", False, MODELS),
    "successor": (V1, None, "v1", False, V1),
    "project": (f"{PROJECT}/openai/v1", None, "v1", False, f"{PROJECT}/openai/v1"),
    "project, as the portal shows it": (f"{PROJECT}/", None, "v1", False, f"{PROJECT}/openai/v1"),
    "MAI": (f"{RES}/mai/v1", None, "v1", False, f"{RES}/mai/v1"),
    "MAI's path elsewhere": (f"{OTHER}/mai/v1", None, "v1", True, f"{OTHER}/mai/v1"),
    "serverless": (f"{SERVERLESS}/", None, "models", True, SERVERLESS),
    "managed compute": (MANAGED, None, "models", True, MANAGED),
    "other vendor, named": (f"{OTHER}/inference", "v1", "v1", True, f"{OTHER}/inference"),
    "this machine": ("http://127.0.0.1:8000/v1", None, "v1", True, "http://127.0.0.1:8000/v1"),
    "this machine, named": ("http://[::1]:8000", "models", "models", False, "http://[::1]:8000"),
}  # fmt: skip


@pytest.mark.parametrize(("url", "named", "found", "bearer", "base"), ACCEPTED.values(),
                         ids=ACCEPTED)  # fmt: skip
def test_an_endpoint_is_accepted(url: str, named: Any, found: str, bearer: bool, base: str) -> None:
    route = route_for(url, named)
    posted = f"{base}/chat/completions{VERSION if found == 'models' else ''}"
    assert (route.name, route.bearer_key, str(route.url)) == (found, bearer, posted)


REFUSED = {
    # endpoint, route named, what stands in the error
    "nothing": ("", None, "/models (route models)"),
    "None": (None, None, "It is not a URL"),
    "another scheme": ("ftp://my-resource/models", None, "https://"),
    "a bad port": ("https://my-resource:port/models", None, "It is not a URL"),
    "user name": ("https://me:secret@my-resource/models", None, "user name or password"),
    "singular": (f"{RES}/model", None, f"{RES}/models"),
    "one call, as the portal shows it": (f"{MODELS}/chat/completions{VERSION}", None,
                                         f"use {RES}/models (route models)"),
    "a query": (f"{MODELS}{VERSION}", None, "not the endpoint"),
    "one call of a deployment": (
        f"{AOAI}/openai/deployments/gpt/chat/completions?api-version=2024-10-21", None,
        f"use {AOAI}/openai/v1"),
    "Azure OpenAI alone": (AOAI, None, f"use {AOAI}/openai/v1"),
    "the list of models": (f"{V1}/models", None, f"use {AOAI}/openai/v1"),
    "one call of another vendor": (f"{OTHER}/v1/chat/completions", None, "end it in /models or"),
    "a project and models": (f"{RES}/api/projects/p", "models", "which is the v1 route"),
    "a project's models": (f"{RES}/api/projects/p/models", None,
                           f"use {RES}/api/projects/p/openai/v1"),
    "no project": (f"{RES}/api/projects", None, f"use {RES}/api/projects/PROJECT/openai/v1"),
    "Azure OpenAI in China": (f"{CHINA}/models", None,
                              f"use {CHINA}/openai/v1"),
    "a path that is no text": ("https://api.example.com/\udcff/v1", None, "It is not a URL"),
    "another vendor's root": (OTHER, None, "or name the route"),
    "GitHub Models": ("https://models.github.ai/inference", None, "ended on 30 July 2026"),
    "models but named v1": (MODELS, "v1", "which is the models route, not v1"),
    "v1 but named models": (V1, "models", "which is the v1 route, not models"),
    "a named route on Azure without a path": (RES, "models", f"{RES}/models"),
}  # fmt: skip


@pytest.mark.parametrize(("url", "named", "told"), REFUSED.values(), ids=REFUSED)
def test_an_endpoint_is_refused_with_the_right_form(url: Any, named: Any, told: str) -> None:
    with pytest.raises(ConfigurationError) as failure:
        route_for(url, named)
    assert told in unwrapped(failure.value)


SCOPES = {
    MODELS: "cognitiveservices.azure.com",
    V1: "ai.azure.com",
    f"{RES}/mai/v1": "cognitiveservices.azure.com",
    f"{RES_US}/api/projects/p/openai/v1": "ai.azure.us",
    f"{RES_US}/openai/v1": "cognitiveservices.azure.us",
    "https://gateway.azure-api.us/openai/v1": "cognitiveservices.azure.us",
    f"{OTHER}/v1": "ai.azure.com",
    "https://openai.azure.example.com/openai/v1": "ai.azure.com",
}


@pytest.mark.parametrize(("url", "audience"), SCOPES.items())
def test_the_entra_scope_is_that_of_the_route_and_of_its_cloud(url: str, audience: str) -> None:
    assert route_for(url).scope == f"https://{audience}/.default"


@pytest.mark.parametrize("host", ["https://gateway.azure-api.cn", CHINA])
def test_a_cloud_whose_audience_is_not_known_has_no_scope(host: str) -> None:
    with pytest.raises(ConfigurationError, match="The audience of Entra ID tokens") as failure:
        _ = route_for(f"{host}/openai/v1").scope
    assert "use a key" in failure.value.advice


@pytest.mark.parametrize("here", ["127.8.8.8", "[::1]", "LOCALHOST"])
def test_this_machine_is_told_from_others(here: str) -> None:
    assert route_for(f"http://{here}:8000/v1").is_loopback
    for other in ("0.0.0.0", "127.0.0.1.example.com", "localhost.example.com"):
        assert not route_for(f"http://{other}:8000/v1").is_loopback
