"""Whose answers a recording holds, in words."""

from helpers.client.messages import JSON
from helpers.recordings.cassette import LIVE, SCRIPT


def describe_provenance(provenance: JSON) -> str:
    """Return one line that says who answered a recording, when, and on which route."""
    counts = dict(provenance["answered_by"])
    total, scripted = sum(counts.values()), counts.pop(SCRIPT, 0)
    parts = [
        f"{count} of {total} by "
        + (
            f"a live deployment of {provenance['model']}"
            if name == LIVE
            else f"{name}, a small real model that is often wrong"
        )
        for name, count in counts.items()
    ]
    if scripted:
        parts.append(f"{scripted} scripted" if parts else "all scripted (no model wrote them)")
    when, route = provenance["recorded"], provenance["route"]
    return f"Answers: recorded {when}, {'; '.join(parts)}; route {route}."
