"""The stand-in for a room of readers: its address, no key, and faults from this machine only."""

import asyncio
import sys
from collections.abc import Iterator
from unittest import mock

import httpx
import pytest

from helpers import AsyncChatCompletionsClient, UserMessage
from helpers.lessons import LESSONS, ROOT
from helpers.local_model import LocalModelServer, LocalModelService
from tests.standin import StandIn
from tests.standin.__main__ import main
from tests.standin.asking import post

LIMITED = "fault: rate-limited"
FOR_ALL = "fault for all: "
OTHER = "127.0.0.2"
"""An address of this machine that plays another machine."""
PROXIED = {"x-forwarded-for": "192.0.2.7"}

other_addresses = pytest.mark.skipif(sys.platform == "darwin", reason="it has 127.0.0.1 only")


@pytest.fixture
def room() -> Iterator[StandIn]:
    """A stand-in that asks for no key."""
    with StandIn(pace=0, no_key=True) as server:
        yield server


def status(server: StandIn, ask: str, address: str | None = None, **headers: str) -> int:
    """Return the status of the answer to a question from ``address``, with no key."""
    return post(server, "v1", ask=ask, address=address, headers=headers).status_code


@other_addresses
def test_it_listens_at_the_address_that_is_given() -> None:
    with StandIn(pace=0, host=OTHER) as server:
        assert server.v1.startswith(f"http://{OTHER}:")
        assert post(server, "v1").status_code == 200
        with pytest.raises(httpx.ConnectError):
            httpx.get(server.url.replace(OTHER, "127.0.0.1"), trust_env=False)


def test_an_address_of_another_machine_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["standin", "--host", "203.0.113.4"])
    stopped = mock.Mock(side_effect=KeyboardInterrupt)  # if it serves all the same
    monkeypatch.setattr("tests.standin.__main__.time.sleep", stopped)
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "of 203.0.113.4 cannot be used" in capsys.readouterr().err


@other_addresses
@pytest.mark.parametrize("ask", [LIMITED, f"{FOR_ALL}rate-limited"])
def test_a_reader_elsewhere_or_behind_a_proxy_provokes_nothing(room: StandIn, ask: str) -> None:
    assert status(room, ask, OTHER) == 200
    assert status(room, ask, **PROXIED) == 200
    assert status(room, "Hello") == 200


def test_from_this_machine_a_fault_is_switched_on_and_off_for_everyone(room: StandIn) -> None:
    assert status(room, f"{FOR_ALL}no-such") == 400
    assert status(room, "Hello", **{"api-key": "any"}) == 200
    assert status(room, f"{FOR_ALL}rate-limited") == 429
    assert [status(room, "Hello", **PROXIED) for _ in range(3)] == 3 * [429]
    assert status(room, f"{FOR_ALL}none") == 200
    assert status(room, "Hello") == 200


def test_the_small_model_takes_no_key_in_a_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalModelServer, "start", lambda self: self)
    with LocalModelService(no_key=True) as service, httpx.Client(trust_env=False) as client:
        assert service.variables("v1") == {
            "AZURE_INFERENCE_ENDPOINT": service.endpoints["v1"],
            "TUTORIAL_ALLOW_HTTP": "1",
            "AZURE_INFERENCE_MODEL": service.model,
        }
        body = {"model": "stand-in-chat", "messages": [{"role": "user", "content": LIMITED}]}
        refused = client.post(f"{service.endpoint}/chat/completions", json=body)
    assert refused.status_code == 429


def test_thirty_readers_at_once_get_what_one_gets(room: StandIn) -> None:
    async def read(client: AsyncChatCompletionsClient) -> str:
        async with client.stream([UserMessage("Hello")]) as stream:
            return "".join([update.content async for update in stream])

    async def read_all() -> list[str]:
        async with AsyncChatCompletionsClient(room.v1, None, "stand-in-chat") as client:
            return await asyncio.gather(*(read(client) for _ in range(31)))

    one, *others = asyncio.run(read_all())
    assert one
    assert others == 30 * [one]


def test_the_timetable_is_that_of_the_lessons() -> None:
    minutes = [lesson.minutes for lesson in LESSONS]
    text = " ".join((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split())
    assert f"all lessons take {sum(minutes)} minutes" in text
    assert f"00 to 08, which follow the article, take {sum(minutes[:9])}." in text
    assert f"(00 to 04: {sum(minutes[:5])})" in text
    assert f"(05 to 08: {sum(minutes[5:9])})" in text
    assert f"lessons 09 and 10 take {sum(minutes[9:])} more" in text
