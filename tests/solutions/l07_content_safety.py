"""Lesson 07: the categories that were filtered."""

from helpers.errors import ChatError
from helpers.models import ChatCompletions
from helpers.severity import filter_results


def filtered_categories(outcome: ChatError | ChatCompletions) -> list[str]:
    """The names of all filtered categories, in alphabetical order."""
    found = filter_results(outcome).values()
    return sorted({name for one in found for name, verdict in one.items() if verdict.filtered})
