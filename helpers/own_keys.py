"""``own_keys``: has the lists of a panel keep the keys that are pressed in them.

To JupyterLab a list that is closed is no place for keys: an arrow leads out of it to another cell,
B adds a cell, and D pressed twice deletes the one with the panel. An attribute tells JupyterLab to
keep off, and only a script can set it: ``own_keys.js``. Importing anywidget takes a moment, so this
is imported where controls are built.
"""

from pathlib import Path

import anywidget

from helpers.widgets import named


class OwnKeys(anywidget.AnyWidget):
    """The widget itself: there is nothing to see of it."""

    _esm = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def own_keys() -> OwnKeys:
    """A part of a panel, put anywhere in it: all lists on the page that are in panels heed it."""
    made = OwnKeys()
    made.layout.display = "none"
    named(made, "own-keys")
    return made
