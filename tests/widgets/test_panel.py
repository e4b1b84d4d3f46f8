"""Controls of a panel: errors in words, and a box for a password."""

from typing import Any

import pytest

from helpers import AuthenticationError
from helpers.widgets import LiveStream
from tests.fakes import ASK, KEY, client, leaked
from tests.widgets.panels import state


@pytest.fixture
def panel() -> Any:
    made = LiveStream(client(), ASK)
    assert made.root
    return made


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (AuthenticationError(status=401), "What to do: check that the key belongs"),
        (ValueError(KEY), "This failed in a way that was not foreseen (ValueError)."),
    ],
)
def test_a_callback_that_fails_says_so_in_words(error: Exception, words: str, panel: Any) -> None:
    def fail() -> None:
        raise error

    panel.button("Fail", "fail", fail, "Try it").click()
    assert state(panel)[0] == "failed" and words in state(panel)[1]
    assert leaked(panel.status.value) == []


def test_a_password_is_not_sent_letter_by_letter_and_not_shown(panel: Any) -> None:
    box = panel.text_box("Key", "Password")
    box.value = KEY
    assert not box.continuous_update  # else the page would keep each letter as it is typed
    assert leaked(repr(box), secret=KEY) == []
