"""What all widgets share: one bundle a cell, quick without anyone watching, errors in words."""

from typing import Any

import pytest

from helpers import AuthenticationError
from helpers.lessons import ROOT
from helpers.views.view import View
from helpers.widgets.live_stream import time_line
from helpers.widgets.panel import (
    Panel,
    area,
    escape_lines,
    labelled,
)
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


def test_no_other_module_imports_ipywidgets() -> None:
    found = [
        path.name
        for path in (ROOT / "helpers").rglob("*.py")
        if "import ipywidgets" in path.read_text(encoding="utf-8")
    ]
    assert found == ["panel.py"]


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


def test_every_control_has_a_label_and_a_class_to_find_it_by() -> None:
    bell = Bell()
    made = [
        bell.button("Go", "go", print, "Do it"),
        bell.text_box("Name", "name"),
        labelled("Textarea", "Story", "story"),
        bell.text_box("Key", "key", kind="Password"),
        labelled("Dropdown", "Route", "route", options=["models", "v1"]),
    ]
    assert [control.description for control in made] == ["Go", "Name", "Story", "Key", "Route"]
    classes = [control._dom_classes[0] for control in made]
    assert classes == ["cc-go", "cc-name", "cc-story", "cc-key", "cc-route"]
    assert made[0].tooltip == "Do it"
    assert area("place").tooltip == ""


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


def test_lines_and_blanks_are_kept() -> None:
    assert escape_lines("a\n  b & c") == "a<br>\u00a0 b &amp; c"


@pytest.mark.parametrize(
    ("arrivals", "signs", "facts"),
    [
        ([], "", "No chunk."),
        ([0.0], "0 s █ 0 ms", "1 chunk: first after 0 ms, last after 0 ms."),
        (
            [0.35, 0.36, 0.37, 0.38, 0.52],
            "0 s ···█·▂ 520 ms",
            "5 chunks: first after 350 ms, last after 520",
        ),
        ([0.05, 0.15, 0.25], "0 s ███ 250 ms", "One sign is 100 ms: · no chunk, █ 1."),
        ([9.0, 9.1, 9.3], "0 s " + "·" * 45 + "█▄ 9.3 s", "One sign is 200 ms: · no chunk, █ 2."),
        ([3600.0], "0 s " + "·" * 36 + "█ 3600.0 s", "One sign is 100.0 s"),
    ],
)
def test_a_time_line_tells_when_chunks_came(arrivals: list[float], signs: str, facts: str) -> None:
    drawn, words = time_line(arrivals)
    assert drawn == signs
    assert facts in words


def test_a_time_line_stays_short() -> None:
    for seconds in (0.01, 5.99, 6.0, 59.9, 60.0, 1234.5, 1e6):
        signs = time_line([seconds])[0].removeprefix("0 s ").split()[0]
        assert 1 <= len(signs) <= 60
