"""Rules on the notebook as a file: size, tags, counts, cells, provenance, what must not leak."""

import ast
import statistics
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from helpers.commands.leaks import ID, PICTURE, machine_paths, secrets
from helpers.recordings.cassette import describe_provenance
from tests.notebooks import files
from tests.notebooks.rules.page import Page

MAX_BYTES = 300_000
"""Of a notebook: GitHub does not show large ones."""
TAGS = {"parameters", "navigation"}
ROOMS = ("connect", "views", "widgets", "tools", "images", "exercises", "lessons")
IMPORTABLE = {"helpers", *(f"helpers.{room}" for room in ROOMS), "helpers.recordings.openai_bridge"}
WIDGET = "application/vnd.jupyter.widget-view+json"


def it_is_normalised(page: Page) -> Iterator[str]:
    nb = deepcopy(page.nb)
    files.normalise(nb)
    if files.text_of(nb) != page.text:
        yield "it is not as tests/notebooks/files.py writes it: python -m tests.notebooks.pages"


def it_is_small(page: Page) -> Iterator[str]:
    if (size := len(page.text.encode("utf-8"))) > MAX_BYTES:
        yield f"it has {size} bytes"


def github_shows_it(page: Page) -> Iterator[str]:
    if page.view.refused is not None:
        yield f"GitHub would refuse it: {page.view.refused}"
    if any("attachments" in cell for cell in page.nb.cells):
        yield "a cell has an attachment, which GitHub does not show"


def tags_are_known(page: Page) -> Iterator[str]:
    # raises-exception stops papermill; nbval-skip and the like turn nbval off.
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
            yield f"a comment changes what nbval does: {cell.source[:80]!r}"


def no_widget_is_committed(page: Page) -> Iterator[str]:
    if any(WIDGET in output.get("data", {}) for output in page.outputs):
        yield "an output holds a widget, which shows nothing without a kernel: run it headless"


def cells_are_short(page: Page) -> Iterator[str]:
    sizes = [sum(1 for line in cell.source.splitlines() if line.strip()) for cell in page.code]
    if statistics.median(sizes) > 6:
        yield f"the median of its code cells is {statistics.median(sizes)} lines"
    if sum(size <= 12 for size in sizes) < 0.9 * len(sizes):
        yield f"more than one in ten of its code cells has over 12 lines: {sizes}"
    if max(sizes) > 20:
        yield f"a code cell has {max(sizes)} lines"
    if min(sizes) == 0:
        yield "a code cell is empty"


def it_imports_from_the_nine_paths(page: Page) -> Iterator[str]:
    for cell in page.code:
        for node in ast.walk(ast.parse(cell.source)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                if name.split(".")[0] == "helpers" and name not in IMPORTABLE:
                    yield f"it imports from {name}"


def one_cell_holds_the_parameters(page: Page) -> Iterator[str]:
    tagged = [cell for cell in page.nb.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1 or tagged[0].cell_type != "code":
        yield f"{len(tagged)} cells have the tag parameters; it must be one code cell"


def prose_stands_before_code(page: Page) -> Iterator[str]:
    before = None
    for index, cell in enumerate(page.nb.cells):
        if cell.cell_type == "code" and before != "markdown":
            yield f"no prose stands before cell {index}"
        before = cell.cell_type


def it_says_who_answered(page: Page) -> Iterator[str]:
    stored = page.nb.metadata.get("tutorial", {}).get("provenance")
    if stored != page.provenance:
        yield f"its metadata says {stored}, its recording {page.provenance}"
    said = "".join(output.get("text", "") for output in page.code[0].outputs)
    if " ".join(said.split()) != describe_provenance(page.provenance):
        yield f"its first output does not say who answered: {said!r}"


def no_machine_paths(page: Page) -> Iterator[str]:
    for text in _strings(page.nb):
        yield from machine_paths(text)


def no_secrets(page: Page) -> Iterator[str]:
    ids = {found for recording in page.recordings for found in ID.findall(recording)}
    for text in _strings(page.nb):
        yield from secrets(text, ids)


def _strings(value: Any) -> Iterator[str]:
    """Every string in a JSON value, without the bytes of pictures."""
    if isinstance(value, str):
        yield PICTURE.sub("", value)
    elif isinstance(value, dict):
        for item in (*value, *value.values()):
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
