"""No host name of an endpoint is kept in a recording, and no other word is masked for it."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest

from helpers import ChatCompletionsClient, ChatError
from tests.fakes import ASK, DONE, answer, event, piece, streamed
from tests.recordings.calls import record, replay, says
from tests.sync_and_async import both

pytestmark = both


HOSTS: dict[str, tuple[str, list[str], list[str]]] = {
    # endpoint, what is masked, what stays
    "Azure": ("https://contoso.openai.azure.com/openai/v1", ["contoso"], ["contoso-eu", "openai"]),
    "US government": ("https://contoso.openai.azure.us/openai/v1", ["contoso"], ["contosos"]),
    "API Management": ("https://contoso.azure-api.net/openai/v1", ["CONTOSO"], ["azure-api"]),
    "a region": ("https://c1.eastus2.models.ai.azure.com/v1", ["c1"], ["eastus2", "models"]),
    "an alias in Azure": ("https://api.openai.azure.com/openai/v1", [], ["api", "openai"]),
    "a field of answers": ("https://Content.openai.azure.com/openai/v1", [], ["its content"]),
    "the model": ("https://my-deployment.openai.azure.com/openai/v1", [], ["on my-deployment"]),
    "a gateway": ("https://api.llm.contoso.example/v1", [], ["api", "llm", "contoso"]),
    "no Azure": ("https://contoso.notazure.com/v1", [], ["contoso", "notazure"]),
    "beyond ASCII": ("https://bücher.example/v1", [], ["bücher"]),
    "an address": ("https://10.20.30.40:8000/v1", [], ["10.20", "30.40"]),
    "IPv6": ("https://[fd12:3456::9]:8000/v1", [], ["fd12"]),
    "a name without a dot": ("https://gpu-box:8000/v1", [], ["gpu-box", "gpu-box-2"]),
    "a common word": ("https://api:8000/v1", [], ["api", "api key", "rapid", "/api/projects"]),
}


@pytest.mark.parametrize(("endpoint", "masked", "kept"), HOSTS.values(), ids=HOSTS)
def test_no_host_is_kept_and_no_other_word_is_masked(
    path: Path, endpoint: str, masked: list[str], kept: list[str]
) -> None:
    url = httpx.URL(endpoint)
    names = {url.host, url.raw_host.decode()}
    if "." not in url.host and ":" not in url.host:  # then it is a word too
        forms = [f"{url.host}:8000", f"http://{url.host}/v1", f"me@{url.host}", quote(endpoint, "")]
    else:
        ends = [(name, more) for name in names for more in ("", ":443", "/v1", ".", "_", "%3A443")]
        forms = [f"{name}{more}" for name, more in ends]
        forms += [form(name) for form in (str.upper, str.title) for name in names]
        forms += [f"_{url.host}_", quote(endpoint, ""), quote(quote(endpoint, ""), "")]
    # What stands directly before and after a name in JSON and in URLs.
    words = [
        f"{before}{name}{after}"
        for name in masked
        for before, after in ["  ", "()", "/ ", "''", "\n\n", "=&", ": ", "_.", ("%2F", "%20")]
    ]
    text = " | ".join([*forms, *words])
    stays = " | ".join(kept)
    said = {"error": {"message": text, text: [text], "code": "404", "other": stays}}

    def act(asked: ChatCompletionsClient) -> Any:
        question = [{"role": "user", "content": f"{text} | {stays}"}]
        with suppress(ChatError):
            asked.complete(question)
        with suppress(ChatError), asked.stream(question) as stream:
            list(stream)

    header = f"at {endpoint.encode('ascii', 'ignore').decode()}"
    answers = answer(404, said, x_request_id=header), streamed(event(**said))
    record(path, act, *answers, endpoint=endpoint)
    recorded = path.read_text(encoding="utf-8")
    assert recorded.count(json.dumps(stays, ensure_ascii=False)[1:-1]) == 4
    recorded = unquote(unquote(recorded)).lower()
    if "." in url.host or ":" in url.host:
        assert not [name for name in names if name.lower() in recorded]
    else:
        assert f"{url.host}:8000" not in recorded
        assert f"//{url.host}" not in recorded
        assert "http://***/v1" in recorded, "what stands before the host stays"
    for name in masked:
        assert not re.search(rf"(?<![a-z0-9-]){name}(?![a-z0-9-])", recorded, re.IGNORECASE)


def test_an_answer_that_names_the_host_is_found_in_the_next_question(path: Path) -> None:
    def act(asked: ChatCompletionsClient) -> list[str]:
        first = asked.complete(ASK).content
        with asked.stream([*ASK, {"role": "assistant", "content": first}]) as stream:
            second = "".join(update.content for update in stream)
        third = asked.complete([{"role": "assistant", "content": second}]).content
        return [first, second, third]

    named = "at my-resource.services.ai.azure.com"
    answers = says(named), streamed(piece(named), piece(finish="stop"), DONE), says("end")
    assert record(path, act, *answers) == [named, named, "end"]
    assert replay(path, act) == ["at ***", "at ***", "end"]
