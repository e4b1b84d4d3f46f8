"""Which panels each cell shows: when a cell runs again, those that it showed before are closed.

ipywidgets keeps every control until it is closed, in the kernel and on the page, though the output
that it stood in is gone.
"""

import sys
from typing import Any

_shown: dict[str, tuple[str, list[Any]]] = {}
"""By the cell: the id of the request that ran it last, and the panels that it showed then."""


def note_shown(panel: Any) -> None:
    """Note that the running cell shows ``panel``. Does nothing outside of a Jupyter kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    cell, request = _running_cell(shell)
    if shell is None or not cell:
        return
    if _close_earlier not in shell.events.callbacks["pre_run_cell"]:
        shell.events.register("pre_run_cell", _close_earlier)
    panels = _shown.setdefault(cell, (request, []))[1]
    if panel not in panels:
        panels.append(panel)


def _close_earlier(_: object) -> None:
    """Close what the cell that starts now showed before."""
    cell, request = _running_cell(sys.modules["IPython"].get_ipython())
    if cell not in _shown or _shown[cell][0] == request:
        return
    _, panels = _shown.pop(cell)
    for panel in panels:
        if not any(panel in others for _, others in _shown.values()):
            panel.close()


def _running_cell(shell: Any) -> tuple[str, str]:
    """Return what names the running cell, and the id of the request that runs it; or nothing.

    JupyterLab and VS Code send the cell's id with the request. For other programs it is the code.
    """
    if not hasattr(shell, "get_parent"):
        return "", ""
    request = shell.get_parent()
    cell = request.get("metadata", {}).get("cellId") or request.get("content", {}).get("code")
    return str(cell or ""), str(request.get("header", {}).get("msg_id"))
