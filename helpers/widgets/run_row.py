"""``RunRow``: the buttons Run and Stop of a panel."""

import threading
from collections.abc import Callable
from typing import Any

from helpers.widgets import panel as widgets
from helpers.widgets.panel import Panel, button, row


class RunRow:
    """The buttons Run and Stop of ``panel``; ``beside`` them stand further controls.

    Neither is ever switched off: a button that is loses the focus, and who works with the keyboard
    is thrown out of the panel. The one to press next stands out; the other does nothing.

    With ``settles``, ``run`` looks at a box, and is called once the text of it is here. A job that
    waits for the text in its own thread needs no such wait.
    """

    def __init__(
        self,
        panel: Panel,
        run: Callable[[], object],
        stop: Callable[[], object],
        *beside: Any,
        label: str = "Run",
        hint: str = "Ask the model",
        settles: bool = False,
    ) -> None:
        self._due: threading.Timer | None = None
        self._run, self._stop = panel.report_errors(run), panel.report_errors(stop)
        begin = self._later if settles else self._run
        self.run = button(label, "run", begin, hint=hint, primary=True)
        self.stop = button("Stop", "stop", self._end, hint="End the answer")
        self.box = row(self.run, self.stop, *beside)

    def draw(self, running: bool) -> None:
        """Have the button stand out that does something; ``panel`` calls it."""
        for made, primary in ((self.run, not running), (self.stop, running)):
            (made.add_class if primary else made.remove_class)("cc-primary")

    def drop(self) -> None:
        """Forget a press of Run that still waits for a text."""
        if self._due is not None:
            self._due.cancel()

    def _later(self, *_: object) -> None:
        self.drop()
        self._due = threading.Timer(widgets.SETTLED, self._run)
        self._due.start()

    def _end(self, *_: object) -> None:
        self.drop()
        self._stop()
