"""Write the lessons as GitHub would show them: ``python -m tests.notebooks.github FOLDER``.

FOLDER gets a page of each lesson, light and dark, and a picture of each page if the machine has a
browser.
"""

import argparse
from pathlib import Path

from tqdm import tqdm

from tests.browser.chromium import NoBrowserError, chromium
from tests.notebooks.github.viewer import lessons

WIDTH = 1012
"""Pixels: the width of a notebook on GitHub in a wide window."""


def main() -> None:
    """Write what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.notebooks.github", description=__doc__)
    parser.add_argument("folder", type=Path)
    pages = write(parser.parse_args().folder)
    print(f"{len(pages)} pages are in {pages[0].parent}.")
    try:
        with chromium() as browser:
            for page in tqdm(pages, unit="picture"):
                tab = browser.new_page(viewport={"width": WIDTH, "height": 1000})
                tab.goto(page.resolve().as_uri())
                tab.screenshot(path=page.with_suffix(".png"), full_page=True)
                tab.close()
    except NoBrowserError as error:
        print(error)


def write(folder: Path) -> list[Path]:
    """Write every lesson's page, light and dark, into ``folder``; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for theme in ("light", "dark"):
        for lesson, view in lessons(theme).items():
            pages.append(folder / f"{lesson.id}-{theme}.html")
            pages[-1].write_text(view.standalone(), encoding="utf-8", newline="\n")
    return pages


if __name__ == "__main__":
    main()
