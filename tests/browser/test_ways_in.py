"""What a reader meets first: JupyterLab by the README's command, VS Code, a codespace."""

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect

from helpers.lessons import LESSONS, ROOT
from tests.browser.driver import LabPage
from tests.browser.lab import served

README = (ROOT / "README.md").read_text(encoding="utf-8")
INSTALL = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt"
START = "jupyter lab notebooks/00-start-here.ipynb"
SETTINGS = ROOT / ".jupyter"
NOTIFICATIONS = "@jupyterlab/apputils-extension:notification"
TOAST = "Would you like to get notified about official Jupyter news?"
# Python runs a module of this name whenever it starts: in the server, and in the kernel. This one
# writes down the names that are looked up and the addresses that are called.
SPY = """\
import sys


def note(*words):
    with open({path!r}, "a", encoding="utf-8") as file:
        print(*words, file=file)


def hear(event, details):
    if event == "socket.getaddrinfo":
        note("asked", details[0])
    if event == "socket.connect" and isinstance(details[1], tuple):
        note("asked", details[1][0])


note("started")
sys.addaudithook(hear)
"""
LOOPBACK = {"started", "asked 127.0.0.1", "asked ::1", "asked localhost"}


def settings(path: str) -> Any:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def test_the_readme_starts_it_like_that() -> None:
    assert f"{INSTALL} && .venv/bin/{START}" in README


def test_the_settings_are_where_jupyterlab_looks() -> None:
    for path in filter(Path.is_file, SETTINGS.rglob("*")):
        installed = Path(sys.prefix, "etc", "jupyter", path.relative_to(SETTINGS))
        again = "install the requirements again"
        assert installed.is_file(), again
        assert installed.read_bytes() == path.read_bytes(), again


def test_nothing_disturbs_a_reader(browser: Browser, tmp_path: Path) -> None:
    """JupyterLab as it starts for a reader who has never used it."""
    called = tmp_path / "called.txt"
    (tmp_path / "sitecustomize.py").write_text(SPY.format(path=str(called)), encoding="utf-8")
    home, arguments = tmp_path / "home", START.split()[2:]
    with (
        served(home, *arguments, PYTHONPATH=str(tmp_path)) as reader,
        closing(LabPage(browser, reader)) as lab_page,
    ):
        page = lab_page.page
        page.goto(f"{reader.origin}/lab/tree/notebooks/00-start-here.ipynb?token={reader.token}")
        page.get_by_role("heading", name=LESSONS[0].title).wait_for()
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()

        facts = json.loads(page.locator("#jupyter-config-data").inner_text())
        assert not facts["buildCheck"]
        assert not facts["extensionManager"]["can_install"]

        page.get_by_role("link", name="Contents").click()
        title = README.splitlines()[0].removeprefix("# ")
        expect(page.locator(".jp-MarkdownViewer")).to_contain_text(title)

        assert page.locator(".jp-Dialog, .Toastify__toast").all_inner_texts() == []
        heard = called.read_text(encoding="utf-8").splitlines()
        assert heard.count("started") >= 2
        assert set(heard) <= LOOPBACK
        lab_page.check()
        assert "Warning" not in reader.log.read_text(encoding="utf-8")

        # Without the settings, this would have come.
        asked = {"raw": json.dumps({"fetchNews": "none"})}
        reader.call("PUT", f"/lab/api/settings/{NOTIFICATIONS}", asked)
        page.reload()
        page.get_by_text(TOAST).wait_for()


def test_vs_code_selects_the_environment_of_the_readme() -> None:
    folder = settings(".vscode/settings.json")["python.defaultInterpreterPath"]
    assert folder == "${workspaceFolder}/" + INSTALL.split()[3]


def test_a_codespace_is_set_up_as_the_readme_says_and_opens_the_first_lesson() -> None:
    made = settings(".devcontainer/devcontainer.json")
    assert made["updateContentCommand"] == INSTALL
    opened = made["customizations"]["codespaces"]["openFiles"]
    assert [ROOT / path for path in opened] == [LESSONS[0].notebook]
    extensions = made["customizations"]["vscode"]["extensions"]
    assert extensions == settings(".vscode/extensions.json")["recommendations"]
