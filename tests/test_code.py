"""The code is clean by its tools' word, in small modules, and every import leads downward."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.lessons import ROOT

PACKAGE = ROOT / "helpers"
MODULES = sorted(PACKAGE.glob("*.py"))
LONGEST = 250
"""Lines: a module is read in one sitting."""
FLOORS = [
    *("harmless", "messages", "exchanges", "models", "errors"),
    *("sse", "assembly", "routes", "parameters", "credentials", "retry", "network"),
    *("cassettes", "player", "recorder"),
    *("streaming", "calls", "client", "async_client", "__init__"),
    *("tools", "images"),
    *(
        "lessons",
        "lesson",
        "exercises",
        "pictures",
        "views",
        "heatmap",
        "severity",
        "trace",
        "preview",
    ),
    *("live", "live_answer", "live_views", "recorded", "offers", "connection", "incoming"),
    "chosen",
    *("attributes", "widgets", "run_row", "file_box"),
    *("live_stream", "chat", "connection_panel", "playground", "live_heatmap", "live_trace"),
    *("sentence_box", "picture_picker"),
    *("runner", "__main__"),
]
"""From the ground up: a module imports only what stands before it."""
each_module = pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)


@pytest.mark.parametrize(
    "command",
    [("ruff", "check"), ("ruff", "format", "--check"), ("mypy", "--strict", "helpers")],
    ids=" ".join,
)
def test_tool_finds_nothing(command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout + done.stderr


@each_module
def test_a_module_is_short(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_every_module_has_its_floor() -> None:
    assert sorted(FLOORS) == sorted(module.stem for module in MODULES)


@each_module
def test_a_module_imports_only_from_below(module: Path) -> None:
    assert list(upward(module.stem, module.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "line",
    [
        "from helpers.client import ChatCompletionsClient",
        "import helpers.client",
        "from helpers import ChatError",
        "from . import client",
    ],
)
def test_an_import_that_leads_upward_is_found(line: str) -> None:
    assert list(upward("errors", f"def late():\n    {line}\n"))


def upward(module: str, source: str) -> Iterator[str]:
    """The imports of ``module`` that lead to its own floor or one above, also late ones."""
    below = FLOORS[: FLOORS.index(module)]
    for name in _imported(list(ast.walk(ast.parse(source)))):
        package, _, inner = name.partition(".")
        if package == "helpers" and (inner or "__init__") not in below:
            yield f"{module} imports {name}"


def _imported(nodes: list[ast.stmt] | list[ast.AST]) -> Iterator[str]:
    """The modules that these statements import, by their full names."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"helpers.{node.module or ''}".rstrip(".") if node.level else str(node.module)
