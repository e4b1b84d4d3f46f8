"""Record lessons from your own deployment, and undo it: ``python -m helpers record``."""

import json
import os
import re
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from tabulate import tabulate
from tqdm import tqdm  # type: ignore[import-untyped]

from helpers.client.accumulator import StreamAccumulator
from helpers.client.error_bodies import read_error
from helpers.client.errors import ConfigurationError, RecordingError
from helpers.client.messages import JSON
from helpers.client.redaction import TextFilter, map_strings, one_line
from helpers.client.responses import ChatCompletions
from helpers.client.routes import ROUTES
from helpers.client.streaming import EventReader
from helpers.commands import leaks
from helpers.commands.files import normalise, write
from helpers.commands.notebooks import CHANGED, INTERRUPTED, environment, execute, failure_text
from helpers.commands.run import key_filter
from helpers.connect import current_credential, current_endpoint
from helpers.lessons import Lesson
from helpers.recordings.cassette import leaves, load, replace_recordings, save
from helpers.recordings.replay import match_key

_ID = re.compile(r"\b(\w+_)?id$")
_VOLATILE = re.compile(
    rf"{_ID.pattern}|\b(created|system_fingerprint|obfuscation|cached_tokens)$|"
    r"\b(latency_checkpoint|timings)\b"  # Azure's times, and those of llama.cpp
)
"""Matches fields that differ in every answer, at any depth: ids, times, padding, the cache."""
_SHORTEST_ID = 8
"""Characters: shorter ids only number something, and may stand in a text by chance."""


class Difference(NamedTuple):
    """A request, and a field in which two exchanges differ; its value is empty in none."""

    asked: str
    differs: str
    before: str
    now: str


def record(lessons: Sequence[Lesson], *, compare: bool = False, yes: bool = False) -> int:
    """Record ``lessons``, print what would change, ask, and replace what did; return the exit code.

    With ``compare`` nothing is replaced, and the code is 3 if an answer differs. It is 1 if a
    lesson failed or nobody agreed, 130 after Ctrl-C. Each lesson is replaced whole or not at all.
    Raise ``ConfigurationError`` without an endpoint.
    """
    if not current_endpoint():
        raise ConfigurationError(
            "There is no endpoint to record.", advice="set AZURE_INFERENCE_ENDPOINT."
        )
    rows, changed, failed = [], dict[Lesson, list[Difference]](), False
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
            for lesson in tqdm(lessons, unit="lesson"):
                try:
                    changes = record_changes(lesson, Path(made, lesson.id), compare=compare)
                except Exception as reason:  # record the other lessons all the same
                    failed = True
                    rows.append([lesson.id, "failed", failure_text(reason)])
                    continue
                rows.append([lesson.id, "changed" if changes else "the same", len(changes)])
                if changes:
                    changed[lesson] = changes
            print(tabulate(rows, ["lesson", "result", "answers that differ, or what failed"]))
            for lesson, changes in changed.items():
                print(f"\n{lesson.id}\n" + tabulate(changes, Difference._fields, maxcolwidths=28))
            if compare or not changed:
                return 1 if failed else CHANGED * bool(changed)
            if not yes and not _is_agreed(len(changed)):
                print("Everything is as before.")
                return 1
            for lesson in changed:
                keep_shipped(lesson)
                replace(lesson, Path(made, lesson.id))
            print("Replaced. `python -m helpers record --undo` brings back what was shipped.")
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C. Each lesson is as before, or recorded whole.")
        return INTERRUPTED
    return int(failed)


def _is_agreed(count: int) -> bool:
    try:
        return input(f"\nReplace recordings and outputs of {count} lessons? [y/N] ").strip() == "y"
    except EOFError:  # no one at the screen
        return False


def record_changes(lesson: Lesson, folder: Path, *, compare: bool) -> list[Difference]:
    """Record ``lesson`` into ``folder``; return what differs from its recordings.

    Recorded answers that say the same are kept as they were, with their ids and times. If any
    differs, ``folder`` gets the notebook too, unless the recordings are only to ``compare``. Raise
    ``RecordingError`` if it holds what must not be published.
    """
    record_into(lesson, folder)
    changes = []
    for route in recorded_routes(lesson, folder):
        changes += keep_same(lesson.cassette(route), folder / route / f"{lesson.id}.json")
    if changes and not compare:
        write(folder / lesson.notebook.name, replay(lesson, folder))
    refuse_leaks(folder)
    return changes


def record_into(lesson: Lesson, folder: Path) -> None:
    """Run ``lesson``, and record what the endpoint of the environment answers into ``folder``."""
    _run(lesson, folder, TUTORIAL_MODE="record")


def _run(lesson: Lesson, folder: Path, **settings: str) -> str:
    with environment(TUTORIAL_RECORDINGS=str(folder), **settings):
        text, failure = execute(lesson.notebook)
    if failure:
        raise failure
    return text


def recorded_routes(lesson: Lesson, folder: Path) -> list[str]:
    """Return the routes that were recorded. Raise ``LookupError`` if there is none."""
    routes: list[str] = [one for one in ROUTES if (folder / one / f"{lesson.id}.json").exists()]
    if not routes:
        raise LookupError("it asked nothing, so there is nothing to record")
    return routes


def replay(lesson: Lesson, folder: Path) -> str:
    """Return the notebook that a run from the first recording in ``folder`` gives."""
    route = recorded_routes(lesson, folder)[0]
    nb = json.loads(_run(lesson, folder, TUTORIAL_MODE="replay", TUTORIAL_ROUTE=route))
    provenance = load(folder / route / f"{lesson.id}.json")["provenance"]
    nb["metadata"]["tutorial"] = {"lesson": lesson.id, "provenance": provenance}
    normalise(nb)
    return json.dumps(nb, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def replace(lesson: Lesson, folder: Path) -> None:
    """Replace recordings and notebook by those in ``folder``: all of them or none."""
    replace_recordings(lesson.id, folder, lesson.cassette("v1").parents[1])


def keep_same(old: Path, new: Path) -> list[Difference]:
    """Keep in ``new`` each exchange of ``old`` whose answer says the same; return the others."""
    recording, earlier = load(new), defaultdict[str, list[JSON]](list)
    with suppress(RecordingError):  # none, or a damaged one
        for exchange in load(old)["exchanges"]:
            earlier[_question(exchange)].append(exchange)
    kept, changes, ids = [], [], dict[str, str]()
    for made in recording["exchanges"]:
        exchange = map_strings(made, _renaming(ids))
        asked_before = earlier[_question(exchange)]
        before = asked_before.pop(0) if asked_before else None
        if change := difference(before, exchange):
            changes.append(change)
        elif before:  # the requests that follow name its ids, such as those of tool calls
            ids |= _new_ids(before, exchange)
        kept.append(exchange if change else before)
    changes += filter(None, (difference(one, None) for left in earlier.values() for one in left))
    save(new, recording | {"exchanges": kept})
    return changes


def _new_ids(before: JSON, now: JSON) -> dict[str, str]:
    """Return each id in the answer of ``now``, with that in its place ``before``."""
    old, new = (dict(leaves(_body(one["response"]))) for one in (before, now))
    return {
        one: old[name]
        for name, one in new.items()
        if _ID.search(name) and isinstance(one, str) and len(one) >= _SHORTEST_ID and old.get(name)
    }


def _renaming(ids: dict[str, str]) -> TextFilter:
    """Return a function that puts the old ids in place of the new ones."""
    pattern = re.compile("|".join(rf"\b{re.escape(one)}\b" for one in ids) or r"(?!)")
    return lambda text: pattern.sub(lambda found: ids[found[0]], text)


def _question(exchange: JSON) -> str:
    """Return what finds a request again, whatever the model is called."""
    request = exchange["request"]
    body = {name: value for name, value in request["body"].items() if name != "model"}
    return match_key(request | {"body": body})


def difference(before: JSON | None, now: JSON | None) -> Difference | None:
    """Return the first field in which two exchanges differ, or None if they say the same.

    Of streams left early, the texts are compared as far as both go.
    """
    facts = [_facts(one) for one in (before, now)]
    if all(one and one["response"].get("ended") == "left" for one in (before, now)):
        shorter, longer = sorted((str(one["text"]) for one in facts), key=len)
        if longer.startswith(shorter):
            return None
    fields = (name for name in facts[0] | facts[1] if facts[0].get(name) != facts[1].get(name))
    if (field := next(fields, None)) is None:
        return None
    values = [str(one.get(field, "")) for one in facts]
    same = len([*takewhile(lambda pair: pair[0] == pair[1], zip(*values, strict=False))])
    start = max(0, same - 40)  # a text that is cut shows the difference
    shown = [one_line("… " * bool(start) + text[start:], 160) for text in values]
    messages = (now or before or {})["request"]["body"].get("messages") or [{}]
    return Difference(one_line(str(messages[-1].get("content")), 120), field, *shown)


def _facts(exchange: JSON | None) -> JSON:
    """Return what an exchange says, value by value and the text first; empty without one.

    What differs each time is left out.
    """
    if exchange is None:
        return {}
    response, body = exchange["response"], _body(exchange["response"])
    is_error = response["status"] >= 400
    text = read_error(body).words if is_error else ChatCompletions(body).content
    facts = {"text": text, "status": response["status"], "request": exchange["request"]}
    facts |= {"x-answered-by": response["headers"].get("x-answered-by"), "body": body}
    return {name: value for name, value in leaves(facts) if not _VOLATILE.search(name)}


def _body(response: JSON) -> Any:
    """Return the body of an answer; of a stream, all of it as one answer."""
    if "stream" not in response:
        return response.get("body", response.get("text"))
    reader, whole = EventReader(), StreamAccumulator()
    text = "".join(text for _, text in response["stream"])
    for event in (*reader.feed(text), *reader.end()):
        with suppress(ValueError, AttributeError):  # [DONE], or an event that is cut
            whole.add(json.loads(event.data))
    return whole.whole()


def refuse_leaks(folder: Path) -> None:
    """Raise ``RecordingError`` if what is in ``folder`` holds a secret, a host or a path."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    texts = {path: leaks.PICTURE.sub("", path.read_text(encoding="utf-8")) for path in files}
    ids = {found for text in texts.values() for found in leaks.ID.findall(text)}
    host, mask = httpx.URL(current_endpoint()).netloc.decode(), key_filter(current_credential())
    found = []
    for path, text in texts.items():
        found += [*leaks.secrets(text, ids), *leaks.machine_paths(text)]
        found += ["the key"] * (mask(text) != text) + ["the endpoint's host"] * (host in text)
        if path.suffix == ".json":  # notebooks show replayed.openai.azure.com
            found += [one for one in leaks.hosts(text) if "azure.com" in one]
    if found:
        raise RecordingError(f"Nothing is written, because an answer holds {found[0]}.")


def _shipped(lesson: Lesson) -> Path:
    """Where recordings and notebook are kept as they were shipped, also without git."""
    return lesson.notebook.parents[1] / ".shipped" / lesson.id


def keep_shipped(lesson: Lesson) -> None:
    """Copy recordings and notebook, unless there is a copy already."""
    kept = _shipped(lesson)
    if kept.exists():
        return
    kept.parent.mkdir(exist_ok=True)
    with _new_folder(kept.parent) as new:
        for path in map(lesson.cassette, ROUTES):
            Path(new, path.parent.name).mkdir()
            shutil.copy(path, Path(new, path.parent.name))
        shutil.copy(lesson.notebook, new)
        os.rename(new, kept)  # in one step, so that a copy is whole


def undo(lessons: Sequence[Lesson]) -> int:
    """Bring the shipped recordings and notebooks of ``lessons`` back; return the exit code."""
    for lesson in lessons:
        if _shipped(lesson).exists():
            replace(lesson, _shipped(lesson))
            discard_shipped(lesson)
            print(f"{lesson.id} is as it was shipped.")
    return 0


def discard_shipped(lesson: Lesson) -> None:
    """Remove the copy of what was shipped."""
    kept = _shipped(lesson)
    if kept.exists():
        with _new_folder(kept.parent) as new:
            os.rename(kept, Path(new, kept.name))  # in one step, because half a copy is none


def _new_folder(parent: Path) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(dir=parent, suffix=".new", ignore_cleanup_errors=True)
