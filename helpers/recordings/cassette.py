"""The file format of recordings, and how a recorded request is found again.

One JSON file per lesson and route: ``lesson``, ``provenance`` (who answered, route, api-version,
model, date), then ``exchanges`` in order. A recording keeps allow-listed headers only, and neither
key, token nor host. A stream is a list of ``[milliseconds, text]``, one for each network chunk.

vcrpy is not used: while it records it holds a stream back until its end, and it can replay either
a retry or a cell that is run twice, but not both.
"""

import json
import os
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx

from helpers.client.errors import RecordingError
from helpers.client.exchange import MASK, Change, redactor
from helpers.client.messages import JSON
from helpers.client.text import one_line


def load(path: Path) -> JSON:
    """Return the recording in ``path``. Raise ``RecordingError`` if it is missing or damaged."""
    name = "/".join(path.parts[-3:])
    try:
        tape = json.loads(path.read_text(encoding="utf-8"))
        _check(tape)
    except FileNotFoundError:
        raise RecordingError(f"There is no recording {name}.") from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as reason:
        # Leave out the text of an OSError: it holds a path of this machine.
        why = reason.strerror if isinstance(reason, OSError) else reason
        raise RecordingError(
            f"The recording {name} can't be read: {type(reason).__name__}: {why}."
        ) from None
    return tape  # type: ignore[no-any-return]


def _check(tape: Any) -> None:
    """Raise now what a recording of a wrong shape would raise during its replay."""
    for fact in ("answered_by", "route", "model", "recorded"):
        tape["provenance"][fact]
    for exchange in tape["exchanges"]:
        exchange["request"].items()
        response = exchange["response"]
        httpx.Response(int(response["status"]), headers=response["headers"])
        for at, text in [(response["ms"], response.get("text", "")), *response.get("stream", ())]:
            float(at), text.encode()


def save(path: Path, tape: JSON) -> None:
    """Write a recording to a new file and move it into place, so that no half file is left."""
    text = json.dumps(tape, indent=1, ensure_ascii=False)
    # Put each chunk of a stream, [ms, "text"], on one line. A JSON string holds no line break.
    text = re.sub(r'\[\n *([\d.]+),\n *("(?:[^"\\]|\\.)*")\n *\]', r"[\1, \2]", text)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_bytes(text.encode("utf-8", "backslashreplace") + b"\n")
    os.replace(new, path)


def to_recorded(request: httpx.Request) -> JSON:
    """Return what a recording keeps of a request; it is matched by all of it."""
    name = "extra-parameters"
    return {
        "method": request.method,
        # Leave out the endpoint's part of the path: like the host, it differs between servers.
        "path": "/" + "/".join(request.url.path.rsplit("/", 2)[-2:]),
        "headers": {name: request.headers[name]} if name in request.headers else {},
        "body": json.loads(_without_pictures(request.content.decode())),
    }


def match_key(request: JSON) -> str:
    """Return a text that is equal for two requests which one recording answers."""
    return json.dumps(request, sort_keys=True)


_PICTURE = re.compile(r"(data:[\w.+/-]+;base64),([A-Za-z0-9+/=]+)")


def _without_pictures(text: str) -> str:
    """Replace the data of each inline picture by its length and SHA-256."""

    def summary(found: re.Match[str]) -> str:
        digest = sha256(found[2].encode()).hexdigest()
        return f"{found[1]},({len(found[2])} characters, SHA-256 {digest})"

    return _PICTURE.sub(summary, text)


def cleaner(request: httpx.Request) -> Change:
    """Return a function that takes pictures, credential, host and Azure resource out of a text."""
    scrub, host = redactor(request), request.url.host
    names = [host, host.split(".")[0]] if host.endswith(".azure.com") else []

    def clean(text: str) -> str:
        text = _without_pictures(text)  # an error may repeat what it refuses
        for name in names:
            text = text.replace(name, MASK)
        return scrub(text)

    return clean


def differences(recorded: JSON, request: JSON) -> Iterator[str]:
    """Yield the first three fields in which two requests differ, in words."""
    old, new = dict(_fields(recorded)), dict(_fields(request))
    names = [name for name in {**new, **old} if old.get(name) != new.get(name)]
    for name in names[:3]:
        values = [one_line(fields.get(name, "nothing"), 100) for fields in (old, new)]
        yield f"  {name}: recorded {values[0]}, now {values[1]}"


def _fields(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _fields(item, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _fields(item, f"{name}[{index}]")
    else:
        yield name.removeprefix("body."), json.dumps(value, ensure_ascii=False)
