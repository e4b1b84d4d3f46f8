"""What all widgets share: one bundle a cell, quick without anyone watching, errors in words."""

from typing import Any

from helpers import AuthenticationError
from helpers.views.view import View
from helpers.widgets.panel import Panel
from tests.fakes import KEY, leaked


class Bell(Panel):
    """A panel that counts how often it was rung, and fails at the third time."""

    name = "bell"
    note = "In JupyterLab you can <ring> it."

    def __init__(self) -> None:
        self.count = self.built = 0

    def ring(self) -> None:
        self.count += 1
        if self.count == 3:
            raise AuthenticationError(status=401)
        if self.count == 4:
            raise ValueError(KEY)

    def static_view(self) -> View:
        return View(f"<p>Rung: {self.count}</p>", f"Rung: {self.count}")

    def build(self) -> list[Any]:
        self.built += 1
        self.bell = self.button("Ring", "ring", self.ring, "Ring it")
        return [self.bell, self.status]


def test_a_closed_panel_can_be_built_again() -> None:
    bell = Bell()
    first = bell.root
    bell.close()
    assert first.comm is None and bell.status.comm is None and not bell.is_built
    bell.close()
    assert bell.root is not first and bell.built == 2
    assert bell.root.comm is not None and bell.status.comm is not None


def test_a_callback_that_fails_says_so_in_words() -> None:
    bell = Bell()
    assert bell.root
    for _ in range(2):
        bell.bell.click()
    assert 'data-state="ready"' in bell.status.value
    bell.bell.click()
    assert 'data-state="failed"' in bell.status.value
    assert "What to do: check that the key belongs" in bell.status.value
    bell.bell.click()
    assert "ValueError" in bell.status.value
    assert leaked(bell.status.value) == []


def test_enter_calls_the_action_and_nothing_else_does() -> None:
    entered = list[str]()
    box = Bell().text_box("Name", "name", lambda: entered.append(box.value), value="old")
    for message in ({"event": "other"}, {}, {"event": "submit"}):
        box._handle_custom_msg(message, [])
    box.value = "typed, not entered"
    assert entered == ["old"]


def test_a_password_is_not_sent_letter_by_letter_and_not_shown() -> None:
    box = Bell().text_box("Key", "key", kind="Password", value=KEY)
    assert not box.continuous_update  # else the page would keep each letter as it is typed
    assert leaked(repr(box), secret=KEY) == []
