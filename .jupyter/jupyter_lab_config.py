"""What JupyterLab leaves out of a notebook when it saves it, and where it finds a style sheet.

A panel's output is a live view and a table with the same facts. The live view ends with its kernel:
JupyterLab would show an error in its place whenever the notebook is opened later, unless it was
told to save the state of widgets too.
"""

import warnings
from pathlib import Path

from jupyter_core.paths import jupyter_config_dir

LIVE_VIEW = "application/vnd.jupyter.widget-view+json"


def leave_out_live_views(model, **_):
    """Keep the table of an output; one that is nothing but a live view, as a bar is, goes."""
    if model["type"] != "notebook" or "widgets" in model["content"]["metadata"]:
        return
    for cell in model["content"].get("cells", ()):
        if "outputs" in cell:
            cell["outputs"] = [output for output in cell["outputs"] if _can_be_read(output)]


def _can_be_read(output):
    data = output.get("data", {})
    return data.pop(LIVE_VIEW, None) is None or "text/html" in data


c = get_config()  # noqa: F821  (Jupyter runs this file, and gives it that function)
c.ContentsManager.pre_save_hook = leave_out_live_views
# JupyterLab takes the first custom.css: one of the reader's own goes before that of the lessons.
c.LabApp.custom_css = True
places = (jupyter_config_dir(), Path(__file__).parent)
c.ServerApp.tornado_settings.update(
    {"static_custom_path": [str(Path(place, "custom")) for place in places]}
)
# jupyter_server checks a hook twice, and takes it for another one the second time.
hook = leave_out_live_views.__name__
again = rf"Overriding existing pre_save_hook \({hook}\) with a new one \({hook}\)"
warnings.filterwarnings("ignore", again)
