"""The small model starts, answers and ends: no process, port or file is left, however it ends."""

import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from azure.core.credentials import AzureKeyCredential

from helpers import ChatCompletionsClient, StreamInterruptedError, UserMessage
from helpers import local_model as module
from helpers.lessons import ROOT
from helpers.local_model import (
    LocalModelError,
    LocalModelServer,
    LocalModelService,
    install,
    is_installed,
)
from tests.local_model.conftest import ask, words_of

pytestmark = [pytest.mark.model, pytest.mark.usefixtures("installed")]

MAX_END_SECONDS = 30
QUESTION = [UserMessage("What is the capital of Australia?")]
COMMAND = [sys.executable, "-u", "-m", "helpers", "model", "--port"]


def is_open(endpoint: str) -> bool:
    """Return whether something listens at ``endpoint``."""
    url = httpx.URL(endpoint)
    with socket.socket() as probe:
        return probe.connect_ex((url.host, url.port)) == 0


@contextmanager
def nothing_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Assert that the block leaves no process of this one behind, and no temporary file."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    children = set(psutil.Process().children(recursive=True))
    yield
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert not set(psutil.Process().children(recursive=True)) - children
    assert not list(folder.iterdir())


@contextmanager
def command(port: int = 0) -> Iterator[tuple[subprocess.Popen[str], list[psutil.Process], str]]:
    """Run ``python -m helpers model``; yield it, its two servers, and what it printed."""
    # A group of its own: on Windows, Ctrl-C goes to a group.
    group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    with subprocess.Popen(
        [*COMMAND, str(port)], cwd=ROOT, stdout=subprocess.PIPE, text=True, creationflags=group
    ) as run:
        try:
            assert run.stdout
            printed = ""
            while "Ctrl-C" not in printed:
                line = run.stdout.readline()
                assert line, "it has ended"
                printed += line
            yield run, psutil.Process(run.pid).children(recursive=True), printed
        finally:
            run.kill()


def endpoint_in(printed: str) -> str:
    """Return the endpoint that the command told."""
    return printed.split('AZURE_INFERENCE_ENDPOINT="', 1)[1].split('"', 1)[0]


def test_two_at_once_answer_alike_and_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with nothing_left(monkeypatch, tmp_path):
        with LocalModelServer() as one, LocalModelServer() as other:
            assert one.is_running
            assert one.endpoint != other.endpoint
            words = words_of(ask(one, "What is the capital of Australia?"))
            assert "capital of Australia" in words
            assert words == words_of(ask(other, "What is the capital of Australia?"))
        assert not one.is_running
        assert not is_open(one.endpoint)


def test_only_its_own_key_is_taken() -> None:
    with LocalModelServer() as server, httpx.Client(trust_env=False) as client:
        body = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}
        wrong = {"authorization": "Bearer none"}
        url = f"{server.endpoint}/chat/completions"
        assert client.post(url, json=body, headers=wrong).status_code == 401
        slots = client.get(server.endpoint.replace("/v1", "/slots"), headers=wrong)
        assert slots.status_code in (401, 501)
        right = {"authorization": f"Bearer {server.key}", "origin": "https://example.org"}
        answer = client.post(url, json=body, headers=right)
        assert answer.status_code == 200
        assert answer.headers.get("access-control-allow-origin", "") != "*"


def test_it_ends_in_the_middle_of_an_answer() -> None:
    with LocalModelServer() as server:
        client = ChatCompletionsClient(
            server.endpoint, AzureKeyCredential(server.key), server.model
        )
        story = client.stream([UserMessage("Tell me a long story.")], max_tokens=500)
        with pytest.raises(StreamInterruptedError), story as stream:
            for _ in stream:
                server.close()
        assert not server.is_running


def test_the_service_answers_on_both_routes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with nothing_left(monkeypatch, tmp_path), LocalModelService() as service:
        for endpoint in service.endpoints.values():
            client = ChatCompletionsClient(endpoint, AzureKeyCredential(service.key), service.model)
            answer = client.complete(QUESTION, temperature=0, max_tokens=20)
            assert answer.exchange.response_headers["x-answered-by"] == service.model
            with client.stream(QUESTION, temperature=0, max_tokens=20) as stream:
                pieces = [update.content for update in stream if update.content]
            assert len(pieces) > 3
            assert "".join(pieces) == answer.content


def test_once_installed_it_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "UV_INDEX_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    with command() as (_, servers, printed):
        assert is_open(endpoint_in(printed))
        connections = [one for server in servers for one in server.net_connections()]
        outside = [one for one in connections if one.raddr and one.raddr.ip != "127.0.0.1"]
        assert not outside
        assert "Downloading" not in printed


@pytest.mark.parametrize("how", ["Ctrl-C", "killed"])
def test_the_command_ends_and_takes_its_servers_along(how: str) -> None:
    with command() as (run, servers, printed):
        assert len(servers) == 2
        if how == "killed":
            run.kill()
        elif sys.platform == "win32":
            run.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            run.send_signal(signal.SIGINT)
        code = run.wait(MAX_END_SECONDS)
        _, alive = psutil.wait_procs(servers, timeout=MAX_END_SECONDS)
        assert not alive
        assert not is_open(endpoint_in(printed))
        if how == "Ctrl-C" and sys.platform != "win32":
            assert code == 0
            assert run.stdout and run.stdout.read().strip() == "Stopped."


def test_an_interrupted_cell_does_not_end_the_servers() -> None:
    """Jupyter interrupts the whole process group of a kernel."""
    with command() as (_, servers, printed):
        for server in servers:
            if sys.platform != "win32":
                server.send_signal(signal.SIGINT)
        _, alive = psutil.wait_procs(servers, timeout=1)
        assert len(alive) == 2
        assert is_open(endpoint_in(printed))


def test_the_command_ends_when_a_server_has_ended() -> None:
    with command() as (run, servers, _):
        servers[0].kill()
        assert run.wait(MAX_END_SECONDS) == 1


def test_a_port_that_is_taken() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run([*COMMAND, str(port)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert str(port) in done.stderr
    assert "choose another port" in done.stderr
    assert not done.stdout


def test_a_damaged_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = module._model_file()
    assert file
    damaged = tmp_path / "damaged.gguf"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    monkeypatch.setattr(module, "_model_file", lambda: damaged)
    with (
        nothing_left(monkeypatch, tmp_path),
        pytest.raises(LocalModelError, match="damaged") as told,
    ):
        LocalModelServer().start()
    assert str(damaged) in told.value.message


def test_without_an_index_the_installation_says_so_and_leaves_what_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/simple")
    with pytest.raises(LocalModelError, match="can't be reached"):
        install()
    assert is_installed()
