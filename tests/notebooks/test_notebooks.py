"""Every lesson is what the rules say, and runs from its recordings to what is committed.

That each cell's output equals the committed one is nbval's part: it collects the notebooks
themselves. Here they are run once more for each route, by papermill, and looked at as files.
"""

import json
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from helpers.client.routes import ROUTES, RouteName
from helpers.commands.run import environment
from helpers.lessons import LESSONS, ROOT, Lesson
from tests.notebooks import files, pages
from tests.notebooks.rules import RULES, Rule, leaks
from tests.notebooks.rules.page import Page, page_of, tags_of, text_in

LARGEST_RECORDING = 100_000
"""Bytes."""
COUNT = """\
import gc
import json

from helpers.recordings.replay import ReplayTransport

replays = [found for found in gc.get_objects() if isinstance(found, ReplayTransport)]
print(json.dumps([replay.unplayed() for replay in replays]))
"""
"""A cell that is added to a lesson: for each player of a recording, what was not asked for."""

each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
each_route = pytest.mark.parametrize("route", ROUTES)
Run = Callable[[Lesson, RouteName], tuple[NotebookNode, list[list[str]]]]


@cache
def page(lesson: Lesson) -> Page:
    return page_of(lesson, dict(pairwise(LESSONS)).get(lesson))


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a lesson from its recordings: the notebook, and what each player did not play."""
    folder = tmp_path_factory.mktemp("copy")

    @cache
    def executed(lesson: Lesson, route: RouteName) -> tuple[NotebookNode, list[list[str]]]:
        source = folder / f"{lesson.id}-{route}.ipynb"
        nb = files.read(lesson.notebook)
        nb.cells.append(new_code_cell(COUNT, id=f"c{len(nb.cells):02d}"))
        files.write(source, nb)
        with environment(TUTORIAL_ROUTE=route):
            nb = files.execute(source, folder / "out" / source.name)
        return nb, json.loads(nb.cells.pop().outputs[0].text)

    return executed


def test_there_is_a_notebook_for_each_lesson_and_no_other() -> None:
    found = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert found == [lesson.notebook for lesson in LESSONS]


def test_there_is_a_recording_for_each_lesson_and_route_and_no_other() -> None:
    found = sorted((ROOT / "tests" / "cassettes").rglob("*.*"))
    assert found == sorted(lesson.cassette(route) for lesson in LESSONS for route in ROUTES)


@each_lesson
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule(lesson: Lesson, rule: Rule) -> None:
    assert list(rule(page(lesson))) == []


def test_pages_are_as_they_would_be_made_now() -> None:
    stale = [p.name for p, text in pages.pages().items() if p.read_bytes() != text.encode()]
    assert stale == [], "run: python -m tests.notebooks.pages"


@each_lesson
def test_a_replay_shows_what_is_committed(lesson: Lesson, run: Run) -> None:
    nb, _ = run(lesson, "models")
    again = files.without_pictures(files.text_of(nb))
    assert again == files.without_pictures(page(lesson).text)


@each_lesson
def test_two_replays_give_the_same_bytes(lesson: Lesson, run: Run, tmp_path: Path) -> None:
    first, _ = run(lesson, "models")
    second = files.execute(lesson.notebook, tmp_path / "again.ipynb")
    assert files.text_of(first) == files.text_of(second)


@each_lesson
@each_route
def test_every_recorded_exchange_is_played(lesson: Lesson, route: RouteName, run: Run) -> None:
    _, unplayed = run(lesson, route)
    assert unplayed, "the lesson made no player"
    assert set.intersection(*map(set, unplayed)) == set()


@each_lesson
def test_the_v1_route_is_said_and_nothing_goes_wrong(lesson: Lesson, run: Run) -> None:
    nb, _ = run(lesson, "v1")
    outputs = [output for cell in nb.cells for output in cell.get("outputs", [])]
    assert "route v1" in outputs[0].text
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]


@each_lesson
@each_route
def test_recordings_are_small_and_hold_no_secret_path_or_host(
    lesson: Lesson, route: RouteName
) -> None:
    text = lesson.cassette(route).read_text(encoding="utf-8")
    assert len(text.encode()) <= LARGEST_RECORDING
    assert list(leaks.secrets(text, set(leaks.ID.findall(text)))) == []
    assert list(leaks.machine_paths(text)) == []
    assert list(leaks.hosts(text)) == []


@each_lesson
@each_route
def test_recordings_say_whose_they_are(lesson: Lesson, route: RouteName) -> None:
    tape = json.loads(lesson.cassette(route).read_text(encoding="utf-8"))
    assert (tape["lesson"], tape["provenance"]["route"]) == (lesson.id, route)


@each_lesson
def test_as_html_it_shows_every_output(lesson: Lesson) -> None:
    html, _ = HTMLExporter().from_notebook_node(page(lesson).nb)
    seen = "".join(text_in(html).split())
    for text in _texts(page(lesson).nb):
        assert "".join(text.split()) in seen
    assert "No description has been provided" not in html
    assert all(attrs.get("alt") for tag, attrs in tags_of(html) if tag == "img")


def _texts(nb: NotebookNode) -> Iterator[str]:
    """What each output shows in a browser, as text."""
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "text/html" in data:
                yield text_in(data["text/html"])
            elif "text/markdown" not in data:
                yield output.get("text", "") or data.get("text/plain", "")
