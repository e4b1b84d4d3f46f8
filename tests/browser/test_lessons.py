"""Every lesson is opened in JupyterLab, run from top to bottom, and looked at."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from helpers.lessons import LESSONS, Lesson
from helpers.widgets import ConnectionPanel
from helpers.widgets.panel import WIDGET_VIEW
from tests.browser.accessibility import LESSON, axe
from tests.browser.conftest import ARTEFACTS, Open
from tests.browser.driver import THEMES
from tests.browser.widths import check_widths

PANEL = """\
from helpers import UserMessage
from helpers.widgets import ConnectionPanel

ConnectionPanel("00-start-here", [UserMessage("What is a chat completion?")])"""
UNDRAWN = "Error displaying widget"
LOST = "This panel has lost its kernel: run the cell again."
RESTART = """() => {
  const { context } = window.jupyterapp.shell.currentWidget;
  return context.sessionContext.session.kernel.restart();
}"""
SAYS = """words => JSON.stringify(words) === JSON.stringify(
  [...document.querySelectorAll('.cc-panel, .cc-panel *')]
    .map(one => getComputedStyle(one, '::before').content)
    .filter(words => words !== 'none'))"""
"""Whether these words, and no others, stand before a panel or a part of one."""


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.id)
def test_a_lesson_runs_and_everyone_can_read_it(lesson: Lesson, open_notebook: Open) -> None:
    notebook = open_notebook(lesson.notebook)
    notebook.run_all()
    with notebook.whole() as whole:
        for theme in THEMES:
            notebook.theme(theme)
            whole.screenshot(path=ARTEFACTS / f"{lesson.id}-{theme}.png")
            assert axe(notebook.page, *LESSON) == []
    check_widths(notebook)
    expect(notebook.page.get_by_text(UNDRAWN)).to_have_count(0)

    saved = notebook.saved()
    code = [cell for cell in saved.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"] == []
    assert "widgets" not in saved.metadata
    kinds = [set(output.get("data", ())) for output in outputs]
    assert any("text/html" in kind for kind in kinds)
    assert not any(WIDGET_VIEW in kind for kind in kinds)


def test_a_saved_notebook_opens_with_static_views(open_notebook: Open, tmp_path: Path) -> None:
    notebook = open_notebook((PANEL,))
    notebook.run_all()
    test = notebook.cell(0).get_by_role("button", name="Test")
    expect(test).to_be_visible()
    notebook.saved()
    expect(test).to_be_visible()

    notebook = open_notebook(Path(shutil.copy(notebook.path, tmp_path)))
    test = notebook.cell(0).get_by_role("button", name="Test")
    expect(notebook.outputs(0)).to_contain_text(ConnectionPanel.note)
    expect(notebook.outputs(0)).to_contain_text("replay: recorded answers")
    expect(notebook.page.get_by_text(UNDRAWN)).to_have_count(0)
    for _ in range(2):  # again: the first run's panel is closed
        notebook.run_all()
        expect(test).to_have_count(1)
        expect(notebook.outputs(0)).not_to_contain_text(ConnectionPanel.note)
        expect(notebook.page.get_by_text(UNDRAWN)).to_have_count(0)
    test.click()
    expect(notebook.cell(0)).to_contain_text("Finished.")

    notebook.page.evaluate(RESTART)
    notebook.page.wait_for_function(SAYS, arg=[f'"{LOST}"'])
    notebook.run_all()
    notebook.page.wait_for_function(SAYS, arg=[])
