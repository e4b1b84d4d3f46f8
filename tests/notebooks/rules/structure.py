"""Rules on the notebook as a file: kernel, counts, outputs, sizes, provenance."""

import statistics
from collections.abc import Iterator
from copy import deepcopy

from nbformat import NotebookNode

from helpers.connect import describe_provenance
from tests.notebooks import files
from tests.notebooks.rules.page import Page

LARGEST = 300_000
"""Bytes: GitHub shows notebooks that are small, and a diff of one that is not is no diff."""
TAGS = {"parameters", "navigation"}


def the_kernel_is_python3(page: Page) -> Iterator[str]:
    name = page.nb.metadata.get("kernelspec", {}).get("name")
    if name != "python3":
        yield f"its kernel is {name}"


def it_is_normalised(page: Page) -> Iterator[str]:
    nb = deepcopy(page.nb)
    files.normalise(nb)
    if files.text_of(nb) != page.text:
        yield "it is not as tests/notebooks.py writes it (run python -m tests.notebooks.pages)"


def it_is_small(page: Page) -> Iterator[str]:
    size = len(page.text.encode("utf-8"))
    if size > LARGEST:
        yield f"it has {size} bytes"


def it_keeps_no_widget_state(page: Page) -> Iterator[str]:
    if "widgets" in page.nb.metadata:
        yield "it keeps the state of widgets: GitHub refuses it"


def tags_are_known(page: Page) -> Iterator[str]:
    # raises-exception stops papermill, nbval-skip and the like stop nbval.
    for index, cell in enumerate(page.nb.cells):
        for tag in set(cell.metadata.get("tags", [])) - TAGS:
            yield f"cell {index} has the tag {tag}"


def execution_counts_run_from_one(page: Page) -> Iterator[str]:
    # nbval compares nothing in a cell without a count.
    counts = [cell.execution_count for cell in page.code]
    if counts != list(range(1, len(counts) + 1)):
        yield f"its execution counts are {counts}"


def nothing_went_wrong(page: Page) -> Iterator[str]:
    for output in page.outputs:
        if output.output_type == "error":
            yield f"an error is stored: {output.ename}"
        elif output.get("name") == "stderr":
            yield f"stderr is stored: {output.text[:80]!r}"


def nothing_escapes_nbval(page: Page) -> Iterator[str]:
    for cell in page.code:
        if "nbval" in cell.source.lower():
            yield f"a cell speaks to nbval: {cell.source[:80]!r}"


def widgets_have_a_static_twin(page: Page) -> Iterator[str]:
    for output in page.outputs:
        data = output.get("data", {})
        if "application/vnd.jupyter.widget-view+json" in data and "text/html" not in data:
            yield "a widget shows nothing where there is no kernel"


def cells_are_short(page: Page) -> Iterator[str]:
    sizes = [_lines(cell) for cell in page.code]
    if statistics.median(sizes) > 6:
        yield f"the median of its code cells is {statistics.median(sizes)} lines"
    if sum(size <= 12 for size in sizes) < 0.9 * len(sizes):
        yield f"more than one in ten of its code cells has over 12 lines: {sizes}"
    if max(sizes) > 20:
        yield f"a code cell has {max(sizes)} lines"
    if min(sizes) == 0:
        yield "a code cell is empty"


def one_cell_holds_the_parameters(page: Page) -> Iterator[str]:
    tagged = [cell for cell in page.nb.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1 or tagged[0].cell_type != "code":
        yield f"{len(tagged)} cells have the tag parameters; it must be one code cell"


def prose_stands_before_code(page: Page) -> Iterator[str]:
    before = None
    for index, cell in enumerate(page.nb.cells):
        if cell.cell_type == "code" and (before is None or before.cell_type != "markdown"):
            yield f"no prose stands before cell {index}"
        before = cell


def it_says_who_answered(page: Page) -> Iterator[str]:
    stored = page.nb.metadata.get("tutorial", {}).get("provenance")
    if stored != page.provenance:
        yield f"its metadata says {stored}, its recording {page.provenance}"
    said = "".join(output.get("text", "") for output in page.code[0].outputs)
    if said.strip() != describe_provenance(page.provenance):
        yield f"its first output does not say who answered: {said!r}"


def _lines(cell: NotebookNode) -> int:
    return sum(1 for line in cell.source.splitlines() if line.strip())
