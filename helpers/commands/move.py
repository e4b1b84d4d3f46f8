"""List the uses of the retired SDK azure-ai-inference: ``python -m helpers move``.

Files are read, never run or changed. The table ``moving.toml`` has what takes the place of a name.
A name is what an import of the same file binds, whatever its scope. A method (``client.complete``)
is told by its name and its keywords, in files that import the SDK.
"""

import ast
import glob
import re
import sys
import tokenize
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from helpers.client.errors import ChatError
from helpers.client.redaction import one_line
from helpers.moving import SDK, TABLE, Row

MODULES = (SDK, f"{SDK}.aio", f"{SDK}.models", f"{SDK}.prompts", f"{SDK}.tracing")
METHODS = {
    "complete": ("ChatCompletionsClient", {"messages", "body", "stream", "model_extras"}),
    "embed": ("EmbeddingsClient", {"input", "body"}),
    "get_model_info": ("ChatCompletionsClient", set()),
}
"""Methods, the client that has them, and keywords of which one has to be there, if any."""
PYTHON_CELL = re.compile(r"%%(time|timeit|capture|prun|python3?)\b")  # other cell magics: not
PYTHON_LINE = re.compile(r"^(\s*)%(?:time|timeit|prun) ", re.MULTILINE)
CONTINUED = re.compile(r"^(\s*[%!].*)\\\n(.*)$", re.MULTILINE)
NO_IMPORT = "(nothing to import)"
PIP = "pip install azure-ai-inference"
PIP_PATTERN = re.compile(r"get_ipython\(\).*\bpip3?\b.*\binstall\b.*\bazure-ai-inference\b")


class UnreadableFileError(ChatError):
    """A file can't be read as Python or as a notebook."""

    advice = "correct it, or leave it out; everything else was searched."


Uses = dict[tuple[int, int, str], tuple[str, Row]]
"""Place and row of each use, by the number of its cell (0 in a file), its line and its name."""


def move(names: Sequence[str]) -> int:
    """Print the uses in the files, folders and patterns ``names``; return the exit code.

    It is 0 if there are none, 1 if there are some, and 2 if something can't be read.
    """
    errors: list[UnreadableFileError] = []
    found = 0
    for path in (files := list(find_files(names, errors))):
        for (_, _, name), (place, row) in scan(path, errors).items():
            print(f"{place}: {name}\n{row.describe(is_async=name.startswith('aio.'))}")
            found += 1
    for error in errors:
        print(error, file=sys.stderr)
    uses, those = "use" if found == 1 else "uses", "file" if len(files) == 1 else "files"
    print(f"{found} {uses} of azure-ai-inference in {len(files)} {those}. Nothing was changed.")
    return 2 if errors else int(found > 0)


def find_files(names: Iterable[str], errors: list[UnreadableFileError]) -> Iterator[Path]:
    """Yield the files that ``names`` mean, each once; add an error for a name that means none.

    A folder means the Python files and notebooks below it, but for hidden folders and packages.
    Patterns (``*.py``) are expanded here: the shells of Windows leave that to the program.
    """
    seen: set[Path] = set()
    for name in names:
        base = glob.escape(name) if Path(name).exists() else name
        patterns = (base, f"{base}/**/*.py", f"{base}/**/*.ipynb")
        found = [path for one in patterns for path in sorted(glob.glob(one, recursive=True))]
        if not found:
            errors.append(UnreadableFileError(f"There is no {name}.", advice="correct the name."))
        for path in map(Path, found):
            is_ours = path.is_file() and "site-packages" not in path.parts
            if is_ours and path.resolve() not in seen:
                seen.add(path.resolve())
                yield path


def scan(path: Path, errors: list[UnreadableFileError]) -> Uses:
    """Return the uses in a file, in order; add an error for it, or for a cell that is no Python."""
    parts: list[tuple[str, list[ast.AST]]] = []
    try:
        for place, source in _sources(path):
            try:
                with warnings.catch_warnings(action="ignore"):  # those of its texts: "\d"
                    parts.append((place, list(_nodes(ast.parse(source)))))
            except (SyntaxError, ValueError, RecursionError, MemoryError) as reason:
                where = f"{place}:{getattr(reason, 'lineno', None) or 1}"
                what = one_line(getattr(reason, "msg", None) or str(reason) or "too deep")
                errors.append(UnreadableFileError(f"{where}: this is no Python ({what})."))
    except Exception as reason:  # the errors of nbformat have no base in common
        what = one_line(getattr(reason, "strerror", None) or type(reason).__name__)
        errors.append(UnreadableFileError(f"{path}: this can't be read ({what})."))
    return _uses(parts)


def _sources(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the Python code of a file, or of each cell, with its place."""
    if path.suffix != ".ipynb":
        with tokenize.open(path) as file:
            yield str(path), file.read()
        return
    import nbformat  # takes a second

    notebook: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    if notebook.metadata.get("kernelspec", {}).get("language", "python") == "python":
        for number, cell in enumerate(notebook.cells, 1):
            if cell.cell_type == "code":
                yield f"{path}:cell {number}", _without_magics(cell.source)


def _without_magics(source: str) -> str:
    """Return a cell as Python with as many lines, in which a magic is a call with texts."""
    from IPython.core.inputtransformer2 import TransformerManager  # takes 0.3 s

    while CONTINUED.search(source):  # IPython would make one line of two
        source = CONTINUED.sub(r"\1 \2\n", source)
    source = "#" * bool(PYTHON_CELL.match(source)) + PYTHON_LINE.sub(r"\1", source)
    return str(TransformerManager().transform_cell(source))  # type: ignore[no-untyped-call]


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes, also those of annotations in quotes."""
    for node in ast.walk(tree):
        yield node
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            for text in ast.walk(part) if part else ():
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    with suppress(SyntaxError, ValueError):
                        for quoted in ast.walk(ast.parse(text.value, mode="eval").body):
                            yield ast.copy_location(quoted, text)


def _uses(parts: Sequence[tuple[str, list[ast.AST]]]) -> Uses:
    """Return the uses in the cells of a notebook, or in the one part of a file, in order."""
    bound: dict[str, str] = {}
    own = {node.name for _, nodes in parts for node in nodes if isinstance(node, ast.ClassDef)}
    for node in (node for _, nodes in parts for node in nodes):
        for name, full in _imported(node, own).items():
            if _is_in_sdk(full) or not _is_in_sdk(bound.get(name, "")):  # try: ... except
                bound[name] = full
    uses: Uses = {}
    imports = {}
    for number, (place, nodes) in enumerate(parts):
        awaited = {node.value for node in nodes if isinstance(node, ast.Await)}
        for node in nodes:
            line = getattr(node, "lineno", 0)
            for name in _names_used(node, bound, is_awaited=node in awaited):
                if name not in MODULES and (known := _longest_in_table(name)):
                    shown = name if known == SDK else known
                    key = number, line, shown.removeprefix(f"{SDK}.").removeprefix("models.")
                    uses[key] = f"{place}:{line}", TABLE[known]
            names = _imported(node, ()).values()
            rows = {TABLE[name] for name in names if name in TABLE and name != SDK}
            if rows or any(map(_is_in_sdk, names)):
                imports[number, line, "import"] = f"{place}:{line}", rows
    used = {row for _, row in uses.values()}
    for key, (where, rows) in imports.items():
        uses[key] = where, _import_row(rows & used or rows or used)
    is_sdk_there = TABLE[PIP] in used or any(map(_is_in_sdk, bound.values()))
    return dict(sorted(uses.items())) if is_sdk_there else {}


def _is_in_sdk(full: str) -> bool:
    return f"{full}.".startswith(f"{SDK}.")


def _imported(node: ast.AST, own: Collection[str]) -> dict[str, str]:
    """Return the names that an import binds, with their full names.

    ``import a.b`` binds ``a``: here the whole ``a.b``, from which ``_full_name`` goes on. A star
    binds what the table has and the file's ``own`` classes do not hide.
    """
    if isinstance(node, ast.Import):
        return {one.asname or one.name: one.name for one in node.names}
    if not isinstance(node, ast.ImportFrom) or node.level:
        return {}
    if node.names[0].name != "*":
        return {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    inside = [full for full in TABLE if full.rpartition(".")[0] == node.module]
    return {name: full for full in inside if (name := full.rpartition(".")[2]) not in own}


def _full_name(node: ast.AST, bound: Mapping[str, str]) -> str:
    """Return the full name of what was imported and is used as ``node``, or ""."""
    name = ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""
    start = max((one for one in bound if f"{name}.".startswith(f"{one}.")), key=len, default="")
    return bound[start] + name.removeprefix(start) if start else ""


def _names_used(node: ast.AST, bound: Mapping[str, str], *, is_awaited: bool) -> Iterator[str]:
    """Yield the full names that a node uses; of a call, the method and its keywords."""
    if not isinstance(node, ast.Call):
        yield _full_name(node, bound)
        return
    if PIP_PATTERN.search(ast.unparse(node)):
        yield PIP
    full, keywords = _full_name(node.func, bound), {one.arg: one.value for one in node.keywords}
    method = node.func.attr if isinstance(node.func, ast.Attribute) and not full else ""
    client, needed = METHODS.get(method, ("", set()))
    if client and (not needed or needed & keywords.keys() or None in keywords):
        full = f"{SDK}{'.aio' * is_awaited}.{client}.{method}"
        if not getattr(keywords.get("stream", ast.Constant(False)), "value", True):
            keywords.pop("stream", None)
            yield full
    yield from (name for key in keywords if (name := f"{full}({key})") in TABLE)


def _longest_in_table(name: str) -> str:
    """Return the longest beginning of a full name that has a row, or ""."""
    while name and name not in TABLE:
        name = name.rpartition(".")[0]
    return name


def _import_row(rows: Collection[Row]) -> Row:
    """Return the row for the import of what ``rows`` replace."""
    sides = {row.helpers_import for row in rows}, {row.openai_import for row in rows}
    return Row([], *("\n".join(sorted(side - {""})) or NO_IMPORT for side in sides))
