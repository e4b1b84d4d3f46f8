"""Notebooks as files: read, run, make byte-stable, write."""

import re
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from helpers.commands import run as runner

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
MASKS = RawConfigParser()
MASKS.read(Path(__file__).with_name("sanitize.cfg"), encoding="utf-8")


def read(path: Path) -> NotebookNode:
    """The notebook in ``path``. Raises ``nbformat.ValidationError`` if it is not a valid one."""
    nb = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    nbformat.validate(nb)
    return nb


def text_of(nb: NotebookNode) -> str:
    """The notebook as it stands in a file: keys in order, one line break at the end."""
    nbformat.validate(nb)
    return str(nbformat.writes(nb, indent=1, ensure_ascii=False, sort_keys=True)).rstrip() + "\n"


def write(path: Path, nb: NotebookNode) -> None:
    """Write a notebook, with LF line ends on every system."""
    path.write_text(text_of(nb), encoding="utf-8", newline="\n")


def normalise(nb: NotebookNode) -> None:
    """Make the notebook depend on nothing but its cells and their outputs.

    Times, versions, random cell ids, and how the kernel happened to cut its streams are taken out
    or replaced: two runs that show the same give the same bytes.
    """
    nb.nbformat, nb.nbformat_minor = 4, 5
    language = {"name": "python"} | nb.metadata.get("language_info", {})
    language.pop("version", None)
    kept = {"tutorial": nb.metadata["tutorial"]} if "tutorial" in nb.metadata else {}
    nb.metadata = nbformat.from_dict({"kernelspec": KERNELSPEC, "language_info": language} | kept)
    for index, cell in enumerate(nb.cells):
        cell.id = f"c{index:02d}"
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type == "code":
            cell.outputs = list(_merged(cell.outputs))


def _merged(outputs: list[NotebookNode]) -> Iterator[NotebookNode]:
    """The outputs, with neighbouring pieces of the same stream put together."""
    last: NotebookNode | None = None
    for output in outputs:
        if last is not None and _stream(output) and _stream(output) == _stream(last):
            last.text += output.text
            continue
        if last is not None:
            yield last
        last = output
    if last is not None:
        yield last


def _stream(output: NotebookNode) -> str | None:
    return str(output.name) if output.output_type == "stream" else None


def execute(source: Path, target: Path) -> NotebookNode:
    """Run ``source`` as ``python -m helpers run`` does, and write it normalised to ``target``."""
    runner.execute(source, target)
    nb = read(target)
    normalise(nb)
    write(target, nb)
    return nb


def without_pictures(text: str) -> str:
    """The text of a notebook, the bytes of its pictures masked as nbval masks them."""
    return re.sub(MASKS["pictures"]["regex"], MASKS["pictures"]["replace"], text)
