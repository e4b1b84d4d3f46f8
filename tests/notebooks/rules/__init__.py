"""The rules for lessons: each takes a page and yields its faults in words.

Every public function of ``structure``, ``prose`` and ``display`` is a rule.
"""

from collections.abc import Callable, Iterator
from inspect import getmembers, isfunction
from types import ModuleType
from typing import Any

from tests.notebooks.rules import display, prose, structure
from tests.notebooks.rules.page import Rule, on_each_piece


def _rules_of(module: ModuleType) -> Iterator[Callable[..., Any]]:
    for name, function in getmembers(module, isfunction):
        if function.__module__ == module.__name__ and not name.startswith("_"):
            yield function


RULES: tuple[Rule, ...] = (
    *_rules_of(structure),
    *_rules_of(prose),
    *map(on_each_piece, _rules_of(display)),
)
