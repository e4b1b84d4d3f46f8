"""The README's pictures, from the real thing: ``python -m tests.browser.screenshots``.

Each lesson of ``PICTURES`` is run in JupyterLab in a browser and scrolled to its place. The browser
tests leave pictures of all lessons, whole, light and dark, in ``tests/artefacts``.
"""

from contextlib import closing

from tqdm import tqdm

from helpers.lessons import ROOT
from tests.browser.chromium import chromium
from tests.browser.driver import LabPage
from tests.browser.lab import jupyterlab

PICTURES = {
    "lesson-02.png": ("02-streaming", "## Run and stop it yourself"),
    "lesson-05.png": ("05-extra-parameters", "## A whole answer, marked"),
    "lesson-08.png": ("08-images", "What time of day is it"),
}
"""For each file in ``images/``, a lesson and a piece of the source of the cell to scroll to."""


def main() -> None:
    """Take all pictures."""
    with (
        chromium() as browser,
        jupyterlab() as lab,
        closing(LabPage(browser, lab)) as page,
    ):
        for name, (lesson, place) in tqdm(PICTURES.items(), unit="picture"):
            source = ROOT / "notebooks" / f"{lesson}.ipynb"
            with page.notebook(source, {}) as notebook:
                notebook.run_all()
                notebook.cell(place).evaluate("cell => cell.scrollIntoView()")
                page.page.screenshot(path=ROOT / "images" / name, animations="disabled")


if __name__ == "__main__":
    main()
