"""A quiet JupyterLab of its own for a browser: nothing of the user's is read, written or asked."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from helpers.lessons import ROOT

SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}
DISABLED = (
    "@jupyterlab/apputils-extension:announcements",
    "@jupyterlab/extensionmanager-extension",
    "@jupyterlab/lsp-extension",
    "@jupyterlab/fileeditor-extension:language-server",
    "@jupyterlab/notebook-extension:language-server",
)


@contextmanager
def jupyterlab(*, theme: str = "JupyterLab Light") -> Iterator[str]:
    """Start JupyterLab on a copy of ``notebooks/``; gives the URL that notebooks' names fit into.

    A copy, because running a notebook changes its file. The URL has one ``{}`` for the name.
    """
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        shutil.copytree(ROOT / "notebooks", home / "tree" / "notebooks")
        shutil.copytree(ROOT / "images", home / "tree" / "images")
        config = home / "config" / "labconfig"
        config.mkdir(parents=True)
        themed = {"@jupyterlab/apputils-extension:themes": {"theme": theme}}
        overrides = json.dumps(SETTINGS | themed)
        (config / "default_setting_overrides.json").write_text(overrides, encoding="utf-8")
        pages = json.dumps({"disabledExtensions": dict.fromkeys(DISABLED, True)})
        (config / "page_config.json").write_text(pages, encoding="utf-8")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        token = secrets.token_hex(16)
        places = {
            **{"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data"},
            **{"JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython"},
            **{"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"},
        }
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"),
                *("--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"),
                *(f"--ServerApp.root_dir={home / 'tree'}", "--expose-app-in-browser"),
                *("--ServerApp.jpserver_extensions=jupyter_lsp=False", "--LabApp.news_url=None"),
                "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
                *("--LabApp.extension_manager=readonly", "--ServerApp.log_level=ERROR"),
            ],
            env=os.environ | {name: str(home / place) for name, place in places.items()},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/api/status?token={token}", server)
            yield f"http://127.0.0.1:{port}/lab/tree/notebooks/{{}}?reset&token={token}"
        finally:
            server.terminate()
            server.wait(20)


def _wait_for(url: str, server: subprocess.Popen[bytes], seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"JupyterLab ended with exit code {server.returncode}.")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("JupyterLab did not start.")
