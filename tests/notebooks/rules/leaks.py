"""Rules on what must not be published: paths of a machine, secrets, names of hosts."""

from collections.abc import Iterator
from typing import Any

from helpers.commands.leaks import ID, PICTURE, machine_paths, secrets
from helpers.commands.leaks import hosts as hosts
from tests.notebooks.rules.page import Page


def no_machine_paths(page: Page) -> Iterator[str]:
    for text in _strings(page.nb):
        yield from machine_paths(text)


def no_secrets(page: Page) -> Iterator[str]:
    ids = {found for tape in page.tapes for found in ID.findall(tape)}
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
