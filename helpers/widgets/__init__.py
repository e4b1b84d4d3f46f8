"""Panels: controls where somebody can use them, and a static view everywhere else.

Importing this package loads neither ipywidgets nor anywidget: a panel imports them when its
controls are built.
"""

from helpers.widgets.chat import Chat
from helpers.widgets.connection_panel import ConnectionPanel
from helpers.widgets.filter_box import ContentFilterBox
from helpers.widgets.image_picker import ImagePicker
from helpers.widgets.live_stream import LiveStream
from helpers.widgets.logprob_explorer import LogprobExplorer
from helpers.widgets.playground import Playground
from helpers.widgets.trace_stepper import TraceStepper
