"""Write the lessons as GitHub would show them: ``python -m tests.notebooks.github FOLDER``."""

import argparse
from pathlib import Path

from tests.notebooks.github.viewer import lessons


def main() -> None:
    """Write a page of each lesson into the folder that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.notebooks.github", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for lesson, view in lessons().items():
        page = folder / f"{lesson.id}.html"
        page.write_text(view.standalone(), encoding="utf-8", newline="\n")
        print(page)


if __name__ == "__main__":
    main()
