"""The driver sees what is wrong: failed cells, faults of the page, what can not be read well."""

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import LESSON, axe
from tests.browser.conftest import Open
from tests.browser.driver import CellError, LabPage, wait_for
from tests.browser.widths import check_widths

FAULTS = {
    "console.error('oh no')": "console: oh no",
    "setTimeout(() => { throw new Error('oh no') })": "uncaught: oh no",
    "fetch('https://example.com').catch(() => 0)": "to another machine: https://example.com/",
    "new WebSocket('wss://example.com')": "to another machine: wss://example.com/",
}
"""JavaScript, and a piece of the fault that is reported."""
UNREADABLE = {
    "<button></button>": "critical button-name",
    '<p style="margin-top: 5000px; color: #888; background: #999">pale</p>': (
        "serious color-contrast"
    ),
}
"""HTML, and what axe-core finds in it."""
WIDE = "<hr><table><tr><td style='min-width: 660px'>wide</td></tr></table>"
"""HTML that fits into the widest window only."""
SHOW = "from IPython.display import HTML\n\nHTML({!r})"


def test_a_cell_that_fails_is_named_and_each_opening_has_its_own_kernel(
    open_notebook: Open,
) -> None:
    source = "import os\n\nx = globals().get('x', 0) + 1\n(x, os.environ['TUTORIAL_ROUTE'])"
    for route in ("models", "v1"):
        notebook = open_notebook((source, "1 / 0", "2"), TUTORIAL_ROUTE=route)
        said = "ZeroDivisionError: division by zero, in the cell\n1 / 0"
        with pytest.raises(CellError, match=said):
            notebook.run_all()
        assert [cell.execution_count for cell in notebook.cells()] == [1, 2, None]
        expect(notebook.outputs(0)).to_have_text(f"(1, '{route}')")


def test_faults_of_the_page_are_reported(lab_page: LabPage) -> None:
    lab_page.check()
    lab_page.page.evaluate(f"() => {{ {'; '.join(FAULTS)}; }}")
    wait_for(
        lambda: all(one in " ".join(lab_page.faults) for one in FAULTS.values()), lab_page.page
    )
    with pytest.raises(AssertionError, match="oh no"):
        lab_page.check()
    lab_page.check()  # they are reported once


def test_what_is_hard_to_read_or_sticks_out_is_found(open_notebook: Open) -> None:
    notebook = open_notebook(tuple(map(SHOW.format, (*UNREADABLE, WIDE))))
    notebook.run_all()
    with notebook.whole():
        found = axe(notebook.page, *LESSON)
        with pytest.raises(ValueError, match="No text was looked at"):
            axe(notebook.page, "hr")
    assert sorted(line.partition(":")[0] for line in found) == sorted(UNREADABLE.values())
    with pytest.raises(AssertionError, match=r"700 px: .*TABLE"):
        check_widths(notebook)
