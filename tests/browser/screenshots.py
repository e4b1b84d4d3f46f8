"""The README's pictures, from the real thing: ``python -m tests.browser.screenshots``.

Each lesson of ``PICTURES`` is run in JupyterLab in a browser and scrolled to its place. The browser
tests leave pictures of all lessons, whole, light and dark, in ``tests/artefacts``.
"""

from collections.abc import Callable
from contextlib import closing

from tqdm import tqdm

from helpers.lessons import ROOT
from tests.browser.chromium import chromium
from tests.browser.driver import LabPage, Notebook
from tests.browser.lab import jupyterlab

Pose = Callable[[Notebook], None]


def at(heading: str) -> Pose:
    """Scrolled to a heading."""

    def pose(notebook: Notebook) -> None:
        found = notebook.page.get_by_role("heading", name=heading)
        found.evaluate("heading => heading.scrollIntoView()")

    return pose


PICTURES: dict[str, tuple[str, Pose]] = {
    "lesson-02.png": ("02-streaming", at("Printing as it arrives")),
    "lesson-05.png": ("05-extra-parameters", at("A whole answer, marked")),
    "lesson-08.png": ("08-images", at("Ask about a picture of your own")),
}
"""For each file in ``images/``, a lesson and what is done before the picture is taken."""


def main() -> None:
    """Take all pictures."""
    with (
        chromium() as browser,
        jupyterlab() as lab,
        closing(LabPage(browser, lab)) as page,
    ):
        for name, (lesson, pose) in tqdm(PICTURES.items(), unit="picture"):
            source = ROOT / "notebooks" / f"{lesson}.ipynb"
            with page.notebook(source, {}) as notebook:
                notebook.run_all()
                pose(notebook)
                page.page.screenshot(path=ROOT / "images" / name, animations="disabled")


if __name__ == "__main__":
    main()
