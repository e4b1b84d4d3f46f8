"""Every lesson follows the rules, and runs on the route that its committed outputs do not show.

nbval collects the notebooks themselves: it runs them and compares each cell with its committed
outputs.
"""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path

import papermill
import pytest
from bs4 import BeautifulSoup
from jupyter_client.manager import KernelManager, start_new_kernel
from nbconvert.filters import markdown2html_mistune
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from nbval.plugin import get_sanitize_patterns

from helpers.client.routes import ROUTES, RouteName
from helpers.commands import leaks
from helpers.commands.notebooks import environment
from helpers.lessons import LESSONS, ROOT, Lesson
from tests.notebooks import files, pages
from tests.notebooks.nbval_plugin import check_recording
from tests.notebooks.rules import RULES, Rule, page
from tests.notebooks.rules.sentences import WORD, too_many_long

MAX_RECORDING = 250_000
"""Bytes. A real model sends an event for each token, and each with the notes of the service."""
MAX_WORDS_TO_ANSWER, MAX_WORDS_TO_COMMAND = 120, 150

each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
page_of = cache(page.page_of)


def test_each_lesson_has_a_notebook_and_recordings_and_there_are_no_others() -> None:
    assert sorted((ROOT / "notebooks").glob("*.ipynb")) == [one.notebook for one in LESSONS]
    recordings = sorted((ROOT / "tests" / "cassettes").rglob("*.*"))
    assert recordings == sorted(one.cassette(route) for one in LESSONS for route in ROUTES)


@each_lesson
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule(lesson: Lesson, rule: Rule) -> None:
    assert list(rule(page_of(lesson))) == []


def test_pages_are_up_to_date() -> None:
    stale = [p.name for p, text in pages.pages().items() if p.read_bytes() != text.encode()]
    assert stale == [], "run: python -m tests.notebooks.pages"


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_sentences_are_short_outside_lessons_too(name: str) -> None:
    html = markdown2html_mistune((ROOT / name).read_text(encoding="utf-8"))
    assert list(too_many_long([BeautifulSoup(html, "html.parser")])) == []


def test_an_answer_and_a_command_come_soon() -> None:
    cells = page_of(LESSONS[0]).nb.cells
    answer = next(at for at, cell in enumerate(cells) if "print(completion" in cell.source)
    prose = [cell.source for cell in cells[:answer] if cell.cell_type == "markdown"]
    assert len(WORD.findall(" ".join(prose))) <= MAX_WORDS_TO_ANSWER
    start = (ROOT / "README.md").read_text(encoding="utf-8").partition("```")[0]
    assert len(WORD.findall(start)) <= MAX_WORDS_TO_COMMAND


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelManager]:
    """One kernel for all lessons, far from them: most of the time of a lesson is its imports."""
    with environment(TUTORIAL_ROUTE=ROUTES[1]):
        manager, client = start_new_kernel(cwd=tmp_path_factory.mktemp("elsewhere"))
    client.stop_channels()
    yield manager
    manager.shutdown_kernel(now=True)


@each_lesson
def test_the_other_route_shows_the_same_kinds_of_output(
    lesson: Lesson, kernel: KernelManager
) -> None:
    committed = files.read(lesson.notebook)
    nb = deepcopy(committed)
    nb.cells = [new_code_cell("%reset -f"), *nb.cells, check_recording(lesson.id, ROUTES[1])]
    done = papermill.execute_notebook(
        nb, None, km=kernel, progress_bar=False, coalesce_streams=True, execution_timeout=60
    )
    _, *cells, check = done.cells
    assert check.outputs == []
    assert list(map(_kinds, cells)) == list(map(_kinds, committed.cells))


def _kinds(cell: NotebookNode) -> list[tuple[str, str | None, list[str]]]:
    """Return for each output its type, the name of its stream, and the kinds of its data."""
    outputs = cell.get("outputs", [])
    return [(o.output_type, o.get("name"), sorted(o.get("data", {}))) for o in outputs]


def test_of_a_picture_nbval_compares_all_but_the_bytes(pytestconfig: pytest.Config) -> None:
    masks = Path(pytestconfig.option.nbval_sanitize_with).read_text(encoding="utf-8")
    ((regex, replacement),) = get_sanitize_patterns(masks)
    html = '<img alt="three words" src="data:image/png;base64,AA/+=="> and more'
    assert re.sub(regex, replacement, html) == html.replace("AA/+==", "PICTURE")


@each_lesson
@pytest.mark.parametrize("route", ROUTES)
def test_a_recording_is_small_and_names_its_origin_but_no_secret_path_or_host(
    lesson: Lesson, route: RouteName
) -> None:
    text = lesson.cassette(route).read_text(encoding="utf-8")
    recording = json.loads(text)
    assert (recording["lesson"], recording["provenance"]["route"]) == (lesson.id, route)
    assert len(text.encode()) <= MAX_RECORDING
    assert list(leaks.secrets(text, set(leaks.ID.findall(text)))) == []
    assert list(leaks.machine_paths(text)) == []
    assert list(leaks.hosts(text)) == []
