"""Read, normalise and write notebook files."""

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from helpers.commands.files import normalise as normalise


def read(path: Path) -> NotebookNode:
    """Return the notebook in ``path``. Raises ``nbformat.ValidationError`` if it is not valid."""
    nb = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    nbformat.validate(nb)
    return nb


def text_of(nb: NotebookNode) -> str:
    """Return the notebook as the text of its file: keys sorted, one line break at the end."""
    nbformat.validate(nb)
    return str(nbformat.writes(nb, indent=1, ensure_ascii=False, sort_keys=True)).rstrip() + "\n"


def write(path: Path, nb: NotebookNode) -> None:
    """Write a notebook, with LF line ends on every system."""
    path.write_text(text_of(nb), encoding="utf-8", newline="\n")
