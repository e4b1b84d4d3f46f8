"""Static displays: each a ``View``, html for a notebook and plain text for everything else."""

from helpers.views.content_filter import filter_results, severity
from helpers.views.displays import lesson_map, timeline, usage, wire
from helpers.views.distribution import distribution
from helpers.views.image_preview import preview
from helpers.views.logprobs import heatmaps
from helpers.views.moving import ended_table, moving_table, side_by_side, stream_events
from helpers.views.trace import trace
from helpers.views.view import View, table
