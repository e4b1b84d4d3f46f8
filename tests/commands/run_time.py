"""Print how long all lessons take beside empty notebooks: ``python -m tests.commands.run_time``.

Run it while the machine does nothing else: the lessons run two at once, from their recordings, the
empty notebooks one after another.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from nbformat.v4 import new_notebook

from helpers.commands.run import execute
from helpers.lessons import LESSONS
from tests import offline  # noqa: F401
from tests.notebooks import files


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        source = Path(made, "empty.ipynb")
        files.write(source, new_notebook())
        started = time.perf_counter()
        for lesson in LESSONS:
            execute(source, Path(made, "out", f"{lesson.id}.ipynb"))
        empty = time.perf_counter() - started
        command = [sys.executable, "-m", "helpers", "run", "--jobs", "2", "--to", f"{made}/out"]
        started = time.perf_counter()
        subprocess.run(command, check=True)
        took = time.perf_counter() - started
    print(f"{len(LESSONS)} empty notebooks, one after another: {empty:.1f} s")
    print(f"{len(LESSONS)} lessons, two at once: {took:.1f} s, {took / empty:.2f} of that")


if __name__ == "__main__":
    main()
