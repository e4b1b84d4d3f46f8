"""The file format of recordings, and how the recordings of a lesson are replaced.

One JSON file per lesson and route: ``lesson``, ``provenance`` (who answered, route, api-version,
model, date), then ``exchanges`` in order. A recording keeps allow-listed headers only, and neither
key, token nor host. A stream is a list of ``[milliseconds, text]``, one for each network chunk.

vcrpy is not used: while it records it holds a stream back until its end, and it can replay either
a retry or a cell that is run twice, but not both.
"""

import json
import math
import operator
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from helpers.client.errors import RecordingError
from helpers.client.messages import JSON

SCRIPT, LIVE = "script", "live"
"""Who wrote the words, where no model is named: a script of the stand-in, or a live deployment."""


def load(path: Path) -> JSON:
    """Return the recording in ``path``. Raise ``RecordingError`` if it is missing or damaged."""
    name = "/".join(path.parts[-3:])
    try:
        _finish_replacement(path.stem, path.parent.parent)
        recording = json.loads(path.read_text(encoding="utf-8"))
        _check(recording)
    except FileNotFoundError:
        raise RecordingError(f"There is no recording {name}.") from None
    except Exception as reason:  # of many kinds: JSON of another shape can raise anything
        # Leave out the text of an OSError: it holds a path of this machine.
        why = reason.strerror if isinstance(reason, OSError) else reason
        raise RecordingError(
            f"The recording {name} can't be read: {type(reason).__name__}: {why}."
        ) from None
    return recording  # type: ignore[no-any-return]


def _check(recording: Any) -> None:
    """Check the shape of a recording, so that a damaged one fails when it is loaded."""
    for fact in ("answered_by", "route", "model", "recorded"):
        recording["provenance"][fact]
    sum(recording["provenance"]["answered_by"].values())
    for exchange in recording["exchanges"]:
        exchange["request"].items()
        response = exchange["response"]
        httpx.Response(operator.index(response["status"]), headers=response["headers"])
        for at, text in [(response["ms"], response.get("text", "")), *response.get("stream", ())]:
            if not math.isfinite(at):
                raise ValueError(f"a time of {at} ms")
            text.encode()


_FIELD = r'"[\w-]+": (?:[\w.-]+|\[\]|"[^"\\\n]{0,80}")'
_SMALL_OBJECT = re.compile(rf"{{\n *({_FIELD}(?:,\n *{_FIELD}){{0,11}})\n *}}")


def save(path: Path, recording: JSON) -> None:
    """Write a recording to a new file and move it into place, so that no half file is left."""
    text = json.dumps(recording, indent=1, ensure_ascii=False)
    # Put each chunk of a stream, [ms, "text"], on one line. A JSON string holds no line break.
    text = re.sub(r'\[\n *([\d.]+),\n *("(?:[^"\\]|\\.)*")\n *\]', r"[\1, \2]", text)
    # And each small object, such as a message or a verdict of the content filter.
    text = _SMALL_OBJECT.sub(lambda found: "{" + re.sub(r"\n *", " ", found[1]) + "}", text)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = partial_path(path)
    new.write_bytes(text.encode("utf-8", "backslashreplace") + b"\n")
    os.replace(new, path)


def partial_path(path: Path) -> Path:
    """Return the file in which a recording is made that may later replace ``path``."""
    return path.with_name(f"{path.name}.new")


def replace_recordings(lesson: str, recorded: Path, cassettes: Path) -> list[Path]:
    """Replace the recordings of ``lesson`` in ``cassettes`` by those in the folder ``recorded``.

    Both folders hold ``<route>/<lesson>.json``. If ``recorded`` holds ``<lesson>.ipynb`` too, it
    replaces the notebook: ``cassettes`` is ``tests/cassettes`` then. All files are replaced or
    none, also if the process is killed: the new ones are copied to a folder that gets its final
    name, ``<lesson>.complete.new``, in one step, and whoever loads a recording first moves them on.
    Return the paths of the replaced files.
    """
    files = {file: file.parent.name for file in sorted(recorded.glob(f"*/{lesson}.json"))}
    if not files:
        return []
    if (notebook := recorded / f"{lesson}.ipynb").exists():
        files[notebook] = _NOTEBOOKS
    _finish_replacement(lesson, cassettes)
    cassettes.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=f"{lesson}.", suffix=".new", dir=cassettes, ignore_cleanup_errors=True
    ) as new:
        for file, name in files.items():
            folder = Path(new, name)
            folder.mkdir()
            shutil.copy(file, folder)
        os.rename(new, _complete(lesson, cassettes))
    targets = [_target(cassettes, name, file.name) for file, name in files.items()]
    with suppress(OSError):  # on Windows, of a file that is being read; the next load moves it
        _finish_replacement(lesson, cassettes)
        for target in targets:
            partial_path(target).unlink(missing_ok=True)
    return targets


_NOTEBOOKS = "notebooks"


def _complete(lesson: str, cassettes: Path) -> Path:
    return cassettes / f"{lesson}.complete.new"


def _target(cassettes: Path, folder: str, name: str) -> Path:
    """Return the file that is replaced: a notebook stands in the folder above ``tests``."""
    return (cassettes.parents[1] if folder == _NOTEBOOKS else cassettes) / folder / name


def _finish_replacement(lesson: str, cassettes: Path) -> None:
    """Move into place what a replacement that was interrupted has left to move."""
    complete = _complete(lesson, cassettes)
    if not complete.is_dir():
        return
    for file in complete.glob("*/*"):
        target = _target(cassettes, file.parent.name, file.name)
        target.parent.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):  # another process was faster
            os.replace(file, target)
    # Only empty folders: a file that came meanwhile is of another replacement.
    for folder in (*complete.glob("*"), complete):
        with suppress(OSError):
            folder.rmdir()


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path of each single value in JSON, as in ``choices[0].index``, and the value."""
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def describe_provenance(provenance: JSON) -> str:
    """Return one line that says who answered a recording, when, and on which route."""
    counts = dict(provenance["answered_by"])
    total, scripted = sum(counts.values()), counts.pop(SCRIPT, 0)
    parts = [
        f"{count} of {total} by "
        + (
            f"a live deployment of {provenance['model']}"
            if name == LIVE
            else f"{name}, a small real model that is often wrong"
        )
        for name, count in counts.items()
    ]
    if scripted:
        parts.append(f"{scripted} scripted" if parts else "all scripted (no model wrote them)")
    when, route = provenance["recorded"], provenance["route"]
    return f"Answers: recorded {when}, {'; '.join(parts)}; route {route}."
