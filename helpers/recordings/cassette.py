"""The file format of recordings: what is kept of an exchange, and how a request is found again.

One readable JSON file per lesson and route: ``lesson``, ``provenance`` (who answered, route,
api-version, model, date), then ``exchanges`` in order. A recording keeps allow-listed headers only,
and neither key, token nor host. A streamed answer is a list of ``[milliseconds, text]``, one for
each chunk as it came off the network.

(vcrpy was measured and is not used: it holds a stream back until its end while it records, and it
can replay a retry or a cell that is run twice, but not both.)
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
from helpers.client.messages import JSON
from helpers.client.redaction import MASK, Change, map_strings, redactor
from helpers.client.text import one_line


def load(path: Path) -> JSON:
    """The recording in ``path``. Raises ``RecordingError`` naming a file that is missing or bad."""
    name = "/".join(path.parts[-3:])
    try:
        tape = json.loads(path.read_text(encoding="utf-8"))
        _check(tape)
    except FileNotFoundError:
        raise RecordingError(f"There is no recording {name}.") from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as reason:
        # The text of an OSError holds the path of this machine.
        why = reason.strerror if isinstance(reason, OSError) else reason
        raise RecordingError(
            f"The recording {name} can't be read: {type(reason).__name__}: {why}."
        ) from None
    return tape  # type: ignore[no-any-return]


def _check(tape: Any) -> None:
    """Raise here what a recording of a wrong shape would raise in the middle of its replay."""
    for fact in ("answered_by", "route", "model", "recorded"):
        tape["provenance"][fact]
    for exchange in tape["exchanges"]:
        exchange["request"].items()
        response = exchange["response"]
        httpx.Response(int(response["status"]), headers=response["headers"])
        for at, text in [(response["ms"], response.get("text", "")), *response.get("stream", ())]:
            float(at), text.encode()


def save(path: Path, tape: JSON) -> None:
    """Write a recording, all of it or nothing: a reader never meets half a file."""
    text = json.dumps(tape, indent=1, ensure_ascii=False)
    # A chunk of a stream, [ms, "text"], on one line. No line ends within a JSON string.
    text = re.sub(r'\[\n *([\d.]+),\n *("(?:[^"\\]|\\.)*")\n *\]', r"[\1, \2]", text)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_bytes(text.encode("utf-8", "backslashreplace") + b"\n")
    os.replace(new, path)


def to_recorded(request: httpx.Request) -> JSON:
    """What a recording keeps of a request, and what it is found by."""
    name = "extra-parameters"
    return {
        "method": request.method,
        # Without the endpoint's own part of the path: like the host, it may differ between servers.
        "path": "/" + "/".join(request.url.path.rsplit("/", 2)[-2:]),
        "headers": {name: request.headers[name]} if name in request.headers else {},
        "body": map_strings(json.loads(request.content), _without_picture),
    }


_PICTURE = re.compile(r"(data:[\w.+/-]+;base64),([A-Za-z0-9+/=]+)")


def _without_picture(text: str) -> str:
    """Each inline picture's type, length and SHA-256 in place of its data."""

    def told(found: re.Match[str]) -> str:
        digest = sha256(found[2].encode()).hexdigest()
        return f"{found[1]},({len(found[2])} characters, SHA-256 {digest})"

    return _PICTURE.sub(told, text)


def cleaner(request: httpx.Request) -> Change:
    """What takes pictures, credential, host and the name of the Azure resource out of a text."""
    scrub, host = redactor(request), request.url.host
    names = [host, host.split(".")[0]] if host.endswith(".azure.com") else []

    def clean(text: str) -> str:
        text = _without_picture(text)  # an error may repeat what it refuses
        for name in names:
            text = text.replace(name, MASK)
        return scrub(text)

    return clean


def match_key(request: JSON) -> str:
    """What two requests have in common if one recording answers both."""
    return json.dumps(request, sort_keys=True)


def differences(recorded: JSON, request: JSON) -> Iterator[str]:
    """The first three fields that differ, in words."""
    old, new = dict(_fields(recorded)), dict(_fields(request))
    names = [name for name in {**new, **old} if old.get(name) != new.get(name)]
    for name in names[:3]:
        yield f"  {name}: recorded {_short(old.get(name))}, now {_short(new.get(name))}"


def _fields(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _fields(item, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _fields(item, f"{name}[{index}]")
    else:
        yield name.removeprefix("body."), json.dumps(value, ensure_ascii=False)


def _short(value: str | None) -> str:
    return "nothing" if value is None else one_line(value, 100)
