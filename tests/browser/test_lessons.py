"""Every lesson is opened in JupyterLab, run from top to bottom, and looked at."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from nbformat import NotebookNode
from playwright.sync_api import expect

from helpers.lessons import LESSONS, Lesson
from helpers.widgets.connection_panel import ConnectionPanel
from helpers.widgets.panel import WIDGET_VIEW
from tests.browser.accessibility import LESSON, axe
from tests.browser.conftest import ARTEFACTS, Open
from tests.browser.driver import Desk, Room, Theme
from tests.standin import StandIn

THEMES: tuple[Theme, ...] = ("light", "dark")
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)


@dataclass(frozen=True)
class Seen:
    """What there was to see of a lesson: as it was saved after all its cells were run."""

    nb: NotebookNode
    faults: list[str]
    findings: dict[Theme, list[str]]


@pytest.fixture(scope="module")
def look(room: Room) -> Callable[[Lesson], Seen]:
    """Opens a lesson, runs it, takes pictures of it, and leaves: once for all tests."""

    @cache
    def seen(lesson: Lesson) -> Seen:
        findings = {}
        with room.desk() as desk, desk.notebook(lesson.notebook, {}) as notebook:
            notebook.run_all()
            for theme in THEMES:
                notebook.theme(theme)
                with notebook.whole() as whole:
                    whole.screenshot(path=ARTEFACTS / f"{lesson.id}-{theme}.png")
                    findings[theme] = axe(desk.page, *LESSON)
            return Seen(notebook.saved(), list(desk.faults), findings)

    return seen


@each_lesson
def test_run_all_runs_every_cell(lesson: Lesson, look: Callable[[Lesson], Seen]) -> None:
    code = [cell for cell in look(lesson).nb.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"] == []


@each_lesson
def test_no_widget_state_is_saved(lesson: Lesson, look: Callable[[Lesson], Seen]) -> None:
    assert "widgets" not in look(lesson).nb.metadata


@each_lesson
def test_no_live_view_is_saved(lesson: Lesson, look: Callable[[Lesson], Seen]) -> None:
    outputs = [out for cell in look(lesson).nb.cells for out in cell.get("outputs", ())]
    kinds = [set(out.get("data", ())) for out in outputs]
    assert any("text/html" in kind for kind in kinds)
    assert not any(WIDGET_VIEW in kind for kind in kinds)


def test_a_saved_notebook_opens_with_its_twins(desk: Desk, tmp_path: Path) -> None:
    lesson, panel = LESSONS[0], "panel = connection_panel"
    with desk.notebook(lesson.notebook, {}) as notebook:
        notebook.run_all()
        expect(notebook.cell(panel).get_by_role("button", name="Test")).to_be_visible()
        notebook.saved()
        expect(notebook.cell(panel).get_by_role("button", name="Test")).to_be_visible()
        saved = Path(shutil.copy(notebook.path, tmp_path))
    with desk.notebook(saved, {}) as notebook:
        expect(notebook.outputs(panel)).to_contain_text(ConnectionPanel.note)
        expect(notebook.outputs(panel)).to_contain_text("The recording answers")
        notebook.run_all()
        expect(notebook.cell(panel).get_by_role("button", name="Test")).to_be_visible()
        expect(notebook.outputs(panel)).not_to_contain_text(ConnectionPanel.note)


@each_lesson
def test_the_page_has_no_errors_and_asks_nobody(
    lesson: Lesson, look: Callable[[Lesson], Seen]
) -> None:
    faults = look(lesson).faults
    assert faults == [], "\n".join(faults)


@each_lesson
@pytest.mark.parametrize("theme", THEMES)
def test_it_is_accessible(lesson: Lesson, theme: Theme, look: Callable[[Lesson], Seen]) -> None:
    findings = look(lesson).findings[theme]
    assert findings == [], "\n".join(findings)


def test_a_lesson_talks_to_an_endpoint(live: Open, standin: StandIn) -> None:
    before = len(standin.requests)
    notebook = live("02-streaming", standin)
    notebook.run_all()
    said = notebook.outputs("client = connect(").inner_text()
    assert said.startswith("Answers: live from a server on this machine; route models")
    assert len(standin.requests) > before
