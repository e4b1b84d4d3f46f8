"""``attributes``: sets what a panel needs on the page and the usual widgets have no setting for.

- To JupyterLab a list that is closed, or a text to be scrolled, is no place for keys: an arrow
  leads out of it to another cell, B adds a cell, and D pressed twice deletes the one with the
  panel. An attribute tells it to keep off.
- An area makes its html anew at each change. A screen reader tells of what changes within a live
  region, not of a region that is put in whole: so the area itself, which stays, is one.

Only a script can set them: ``attributes.js``. Importing anywidget takes a moment, so this is
imported where controls are built.
"""

from pathlib import Path

import anywidget


class Attributes(anywidget.AnyWidget):
    """The widget itself: there is nothing to see of it."""

    _esm = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def attributes() -> Attributes:
    """A part of a panel, put anywhere in it: all panels on the page heed it."""
    made = Attributes()
    made.layout.display = "none"
    made.add_class("cc-attributes")
    return made
