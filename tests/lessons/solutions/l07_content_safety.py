"""Lesson 07: the categories that were filtered."""

from helpers.client.errors import ChatError
from helpers.client.responses import ChatCompletions
from helpers.views.content_filter import filter_results


def filtered_categories(outcome: ChatError | ChatCompletions) -> list[str]:
    """The names of all filtered categories, in alphabetical order."""
    found = filter_results(outcome).values()
    return sorted({name for one in found for name, verdict in one.items() if verdict.filtered})
