"""A JupyterLab for the browser tests, which reads and writes nothing of the user's."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from helpers.lessons import ROOT
from tests.offline import OFFLINE

SETTINGS = {
    # Saving would race with what a test reads, and a second test would find a changed notebook.
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    # Every cell is on the page at all times, wherever it is scrolled to; and nothing below them.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none", "scrollPastEnd": False},
    # The theme follows the colour scheme that the browser asks for.
    "@jupyterlab/apputils-extension:themes": {"adaptive-theme": True},
}
# Parts of JupyterLab that write to the console when a notebook is closed early, or when there are
# no language servers. The last two log an error each without the one before them.
DISABLED = (
    "@jupyterlab/debugger-extension",
    "@jupyterlab/lsp-extension",
    "@jupyterlab/fileeditor-extension:language-server",
    "@jupyterlab/notebook-extension:language-server",
)
QUIET = (
    "--expose-app-in-browser",
    "--ServerApp.jpserver_extensions=jupyter_lsp=False",
    "--ServerApp.terminals_enabled=False",
    "--ServerApp.log_level=ERROR",
)
PLACES = {
    **{"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data"},
    **{"JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython"},
    **{"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"},
}


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that is running: its address and token, and the home of who uses it."""

    origin: str
    token: str
    home: Path

    @property
    def url(self) -> str:
        """Where a browser finds JupyterLab, with nothing open in it."""
        return f"{self.origin}/lab?reset&token={self.token}"

    @property
    def tree(self) -> Path:
        """The folder that it shows."""
        return self.home / "tree"

    @property
    def log(self) -> Path:
        """The file with its words."""
        return self.home / "server.log"

    def stop_kernels(self) -> None:
        """End all kernels."""
        for session in self.call("GET", "/api/sessions").json():
            self.call("DELETE", f"/api/sessions/{session['id']}")

    def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Ask the server's own interface, for up to two minutes until it takes a connection."""
        key, patient = {"authorization": f"token {self.token}"}, httpx.HTTPTransport(retries=8)
        with httpx.Client(base_url=self.origin, headers=key, transport=patient) as client:
            return client.request(method, path, json=body, timeout=30).raise_for_status()


@contextmanager
def jupyterlab() -> Iterator[Lab]:
    """JupyterLab for tests: no autosave, and its theme follows the browser's colour scheme."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        config = Path(folder, "config", "labconfig")
        config.mkdir(parents=True)
        overrides = json.dumps(SETTINGS)
        (config / "default_setting_overrides.json").write_text(overrides, encoding="utf-8")
        pages = json.dumps({"disabledExtensions": dict.fromkeys(DISABLED, True)})
        (config / "page_config.json").write_text(pages, encoding="utf-8")
        with served(Path(folder), *QUIET) as lab:
            yield lab


@contextmanager
def served(home: Path, *arguments: str, **variables: str) -> Iterator[Lab]:
    """``jupyter lab`` with these arguments, as it is for someone whose home is ``home``.

    It shows a copy of the lessons, because running a notebook changes its file.
    """
    for name in ("notebooks", "images"):
        shutil.copytree(ROOT / name, home / "tree" / name)
    shutil.copy(ROOT / "README.md", home / "tree")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lab = Lab(
        origin=f"http://127.0.0.1:{port}",
        token=secrets.token_hex(16),
        home=home,
    )
    places = {name: str(home / place) for name, place in PLACES.items()}
    command = [sys.executable, "-m", "tests.browser.lab", *arguments]
    command += ["--no-browser", "--allow-root"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"]
    command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={lab.token}"]
    with lab.log.open("wb") as log:
        server = subprocess.Popen(
            command,
            cwd=lab.tree,
            env=os.environ | OFFLINE | places | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        lab.call("GET", "/api/status")
        yield lab
    finally:
        server.kill()
        server.communicate()


def main() -> None:
    """Run the server until its standard input is closed.

    Every system closes the pipe when the process that started this one ends, even if it was killed.
    Kernels end when their server is gone.
    """
    from jupyterlab.labapp import LabApp

    def wait_for_the_end() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    LabApp.launch_instance()


if __name__ == "__main__":
    main()
