"""A process that is killed at a chosen change of the file system."""

import os
import shutil
from itertools import count
from pathlib import Path
from typing import Any

import pytest


class Killed(BaseException):
    """The process ends here: nothing that is done afterwards has an effect."""


OPERATIONS = [
    *((os, name) for name in ("mkdir", "rename", "replace", "unlink", "rmdir")),
    (shutil, "copy"),
]


def killed_at(patch: pytest.MonkeyPatch, operation: int) -> None:
    """Let the process be killed at the ``operation``th change of the file system."""
    made = count()

    def counted(real: Any) -> Any:
        def call(source: Any, *rest: Any, **options: Any) -> Any:
            if next(made) < operation:
                return real(source, *rest, **options)
            if real is copy:  # it is killed in the middle of the file
                target = Path(rest[0]) / Path(source).name
                target.write_bytes(Path(source).read_bytes()[:20])
            raise Killed

        return call

    copy = shutil.copy
    for module, name in OPERATIONS:
        patch.setattr(module, name, counted(getattr(module, name)))
