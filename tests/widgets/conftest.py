"""No test of a panel waits for a text that is on its way, unless it is about that."""

import pytest

from helpers.widgets import ask_panel


@pytest.fixture(autouse=True)
def synced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask_panel, "TEXT_SYNC_SECONDS", 0.0)
