"""Pictures of the lessons in JupyterLab: ``python -m tests.screenshots [FOLDER]``.

Runs every lesson in a real JupyterLab in Chromium and takes a picture of each screenful, light and
dark, into FOLDER; without one, only the README's picture is made anew. Needs Chromium, found on the
PATH as ``chromium`` (or named in CHROMIUM), and ``playwright`` from PyPI.
"""

import argparse
import os
import shutil
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from tqdm import tqdm

from helpers.lessons import LESSONS, ROOT
from tests.lab import jupyterlab

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
IDLE = """() => {
  const session = window.jupyterapp?.shell.currentWidget?.context?.sessionContext?.session;
  return session?.kernel?.status === 'idle' && session.kernel.connectionStatus === 'connected';
}"""
RUN_ALL = "async () => await window.jupyterapp.commands.execute('notebook:run-all-cells')"
HIDE_SIDEBAR = "() => window.jupyterapp.commands.execute('application:toggle-left-area')"
WIDTH, HEIGHT = 1100, 1000


def opened(page: Page, url: str) -> None:
    """Open a notebook, run all its cells, and wait until they are done."""
    page.goto(url)
    page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for(timeout=60_000)
    page.wait_for_function(IDLE, timeout=60_000)
    if page.locator(".jp-FileBrowser").is_visible():
        page.evaluate(HIDE_SIDEBAR)
    if not page.evaluate(RUN_ALL):
        raise RuntimeError(f"A cell failed in {page.title()}.")


def main() -> None:
    """Take the pictures that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    folder = parser.parse_args().folder
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for theme in ("Light", "Dark") if folder else ("Light",):
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            with jupyterlab(theme=f"JupyterLab {theme}") as url:
                for lesson in tqdm(LESSONS if folder else LESSONS[2:3], unit="lesson"):
                    opened(page, url.format(lesson.notebook.name))
                    if not folder:
                        page.get_by_role("heading", name="Printing as it arrives").evaluate(
                            "heading => heading.scrollIntoView()"
                        )
                        page.wait_for_timeout(1000)
                        page.screenshot(path=ROOT / "images" / "lesson-02.png")
                        continue
                    folder.mkdir(parents=True, exist_ok=True)
                    scroller = page.locator(".jp-WindowedPanel-outer").first
                    height = scroller.evaluate("panel => panel.scrollHeight")
                    for number, top in enumerate(range(0, height, HEIGHT - 120)):
                        scroller.evaluate("(panel, top) => panel.scrollTo(0, top)", top)
                        page.wait_for_timeout(200)
                        name = f"{lesson.id}-{theme.lower()}-{number:02d}.png"
                        page.screenshot(path=folder / name)
        browser.close()


if __name__ == "__main__":
    main()
