"""The code passes its tools (settings: ``pyproject.toml``), and its modules are short."""

import subprocess
import sys
from pathlib import Path

import pytest

from helpers.lessons import ROOT

MODULES = sorted((ROOT / "helpers").rglob("*.py"))
MAX_LINES = 400
TOOLS = {
    "ruff check": ("-m", "ruff", "check"),
    "ruff format": ("-m", "ruff", "format", "--check"),
    "mypy": ("-m", "mypy"),
    "import-linter": (
        "-c",
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())",
    ),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_tool_finds_nothing(tool: str) -> None:
    done = subprocess.run(
        [sys.executable, *TOOLS[tool]], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_short(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_ci_runs_the_commands_of_the_readme() -> None:
    first, second = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-2:]
    assert first.endswith("/pytest")
    assert second.endswith("/pytest -m model")
    assert {first, second} <= set((ROOT / "README.md").read_text(encoding="utf-8").splitlines())
