"""The notebook tests can fail: each fault below is planted in a copy of the project, and found.

A suite that compares outputs is worth something only if a wrong output fails it. So the copy's own
pytest is run on three of its notebooks: the cells that show a fault fail, and no others.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.notebooks import files

BASIC, STREAMING, EXTRAS = "01-basic-call", "02-streaming", "05-extra-parameters"


class Fault(NamedTuple):
    """In the file ``path``, what matches ``pattern`` is replaced with ``wrong``.

    In each cell of ``lesson`` that shows it stands one of the texts ``seen``.
    """

    path: str
    pattern: str
    wrong: str
    lesson: str
    seen: tuple[str, ...]


FAULTS = {
    "the first update is lost": Fault(
        "helpers/client/streaming.py",
        r"return self(?=\n\n    async def __aexit__)",
        "await anext(self._updates)\n        return self",
        STREAMING,
        ("async for update",),
    ),
    "arrival times differ": Fault(
        f"tests/cassettes/v1/{STREAMING}.json",
        r"(?m)^     \[(?=\d)",
        "     [9",
        STREAMING,
        ("timeline({", "initial=updates"),
    ),
    "an error with other advice": Fault(
        "helpers/client/errors.py",
        "check that the key belongs",
        "look whether the key belongs",
        BASIC,
        ('ask_with("not-the-key")',),
    ),
    "one character of a recording": Fault(
        f"tests/cassettes/v1/{BASIC}.json",
        "Which of what",
        "Which of that",
        BASIC,
        ("lost.content",),
    ),
    "a field of a recording of the other route has another name": Fault(
        f"tests/cassettes/models/{EXTRAS}.json",
        '"finish_reason"',
        '"end_reason"',
        EXTRAS,
        ("for policy in",),
    ),
    "a request that was not recorded": Fault(
        f"notebooks/{BASIC}.ipynb", "Is anybody there", "Is anyone there", BASIC, ("no-such-model",)
    ),
    "an output that is missing": Fault(
        f"notebooks/{BASIC}.ipynb",
        r'"outputs": \[\s*\{[^{}]*RateLimitError 429[^{}]*\}\s*\]',
        '"outputs": []',
        BASIC,
        ("except openai.RateLimitError",),
    ),
}


def plant(copy: Path, fault: Fault) -> None:
    path = copy / fault.path
    text, count = re.subn(fault.pattern, fault.wrong, path.read_text(encoding="utf-8"))
    assert count, fault
    path.write_text(text, encoding="utf-8")


def cells_that_show(copy: Path, fault: Fault) -> set[tuple[str, str]]:
    """Return the lesson and the names that nbval gives to the cells; each of them runs twice."""
    cells = files.read(copy / f"notebooks/{fault.lesson}.ipynb").cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    found = [at for at, source in enumerate(code) if any(text in source for text in fault.seen)]
    return {(fault.lesson, f"Cell {at}{again}") for at in found for again in ("", " again")}


def test_the_cells_that_show_a_fault_fail_and_no_others(copy: Path) -> None:
    for fault in FAULTS.values():
        plant(copy, fault)
    notebooks = [f"notebooks/{lesson}.ipynb" for lesson in (BASIC, STREAMING, EXTRAS)]
    options = ["-p", "no:cacheprovider", "-rf", "--color=no"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *notebooks],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy)},  # the kernel imports the copy's helpers
        capture_output=True,
        encoding="utf-8",
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 1  # tests ran, and some failed
    failed = set(re.findall(r"(?m)^FAILED notebooks/(.+)\.ipynb::(.+?)(?: - .*)?$", done.stdout))
    shown = {name: cells_that_show(copy, fault) for name, fault in FAULTS.items()}
    assert {name: cells & failed for name, cells in shown.items()} == shown
    unplayed = {(BASIC, "recording")}  # what was recorded, and is not asked any more
    assert failed == set.union(unplayed, *shown.values())
