"""The image picker's own: choose, drop and paste a picture; what is sent of it and what not."""

import base64
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import FileChooser, Locator, Page, expect

from helpers.images import MAX_BYTES
from helpers.lessons import ROOT
from tests.browser.conftest import Open
from tests.browser.driver import Notebook
from tests.browser.test_panels import state
from tests.test_images import PLANTED, saved, tagged

SETUP = """\
from helpers.connect import connect
from helpers.images import prepare
from helpers.lessons import ROOT
from helpers.widgets import ImagePicker

chart = prepare(ROOT / "images" / "languages.png", 1024)"""
PICKER = 'ImagePicker(connect("08-images"), {"A chart": chart})'
PHOTO = ROOT / "images" / "lighthouse.jpg"
EVENING = "What time of day is it, and how can you tell?"
COPY = """async data => {
  const blob = await (await fetch('data:image/png;base64,' + data)).blob();
  await navigator.clipboard.write([new ClipboardItem({'image/png': blob})]);
}"""


@pytest.fixture(scope="module")
def lesson(open_notebook: Open) -> Notebook:
    notebook = open_notebook((SETUP, PICKER))
    # Playwright begins to catch file choosers when someone listens, and a key may be quicker.
    notebook.page.on("filechooser", ignore)
    notebook.run_all()
    return notebook


def ignore(opened: FileChooser) -> None:
    """Do nothing with a file chooser that no test expects."""


def chooser(panel: Locator) -> Locator:
    return panel.get_by_role("button", name="Choose a picture")


def dragged(target: Locator, path: Path, *steps: str) -> None:
    """Drag a file from elsewhere over ``target``, and with the step ``drop`` let go of it there."""
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    assert box
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2, "data": data}
    session = target.page.context.new_cdp_session(target.page)
    for step in steps:
        session.send("Input.dispatchDragEvent", {"type": step, **place})


def drop(target: Locator, path: Path) -> None:
    dragged(target, path, "dragEnter", "dragOver", "drop")


def copy(page: Page, picture: bytes) -> None:
    """Put a picture into the clipboard."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(COPY, base64.b64encode(picture).decode())


def taken(panel: Locator, name: str) -> Locator:
    """What is said of the picture that was taken last."""
    return panel.locator(f".cc-taken .cc-state[data-state={name}]")


def rows(panel: Locator) -> list[str]:
    found = panel.locator(".cc-sent tbody tr").all()
    return ["\t".join(row.locator("td").all_inner_texts()) for row in found]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A photo that lies on its side, and holds metadata that must not be sent."""
    path = tmp_path / "mine & <yours>.jpg"
    path.write_bytes(tagged("JPEG", 6))
    return path


def test_a_photo_that_is_chosen_by_keyboard_is_shown_and_not_saved(
    lesson: Notebook, mine: Path
) -> None:
    panel = lesson.panel(PICKER)
    panel.locator(".cc-file").focus()
    panel.page.keyboard.press("Tab")
    expect(chooser(panel)).to_be_focused()
    with panel.page.expect_file_chooser() as opened:
        panel.page.keyboard.press("Enter")
    opened.value.set_files(mine)
    expect(taken(panel, "finished")).to_contain_text(f"{mine.name} is ready. Nothing of it was")
    expect(chooser(panel)).to_be_focused()
    sent = panel.locator(".cc-sent").get_by_role("img", name="Your picture, as it is sent")
    expect(sent).to_be_visible()
    assert "pixels\t40\u00a0×\u00a020\t20\u00a0×\u00a040" in rows(panel)

    kept = lesson.saved()
    text = str(kept)
    assert mine.name not in text and "40\u00a0×\u00a020" not in text
    assert PLANTED.decode() not in text
    assert "widgets" not in kept.metadata


def test_the_whole_panel_takes_a_file_that_is_dropped(lesson: Notebook, mine: Path) -> None:
    panel = lesson.panel(PICKER)
    place = panel.locator(".cc-file")
    dragged(panel.locator(".cc-answer"), mine, "dragEnter", "dragOver")
    expect(place).to_contain_class("cc-over")
    dragged(panel.page.locator(".jp-NotebookPanel-toolbar").first, mine, "dragOver")
    expect(place).not_to_contain_class("cc-over")
    drop(place, mine)
    expect(taken(panel, "finished")).to_contain_text(mine.name)
    drop(panel.locator(".cc-answer"), PHOTO)
    expect(taken(panel, "finished")).to_contain_text("lighthouse.jpg")
    assert "pixels\t1,600\u00a0×\u00a01,200\t768\u00a0×\u00a01,024" in rows(panel)
    panel.get_by_role("textbox", name="Question").fill(EVENING)  # the same bytes as the lesson's
    panel.get_by_role("button", name="Run").click()
    expect(state(panel, "finished")).to_be_visible()
    expect(panel.locator(".cc-answer")).to_contain_text("Your picture (lighthouse.jpg)")


def test_a_picture_can_be_pasted(lesson: Notebook) -> None:
    panel, cells = lesson.panel(PICKER), lesson.count()
    copy(lesson.page, saved(Image.new("RGB", (31, 17), "red"), "PNG"))
    panel.locator(".cc-hint").click()
    expect(panel.locator(".cc-file")).to_be_focused()
    lesson.page.keyboard.press("ControlOrMeta+v")
    expect(taken(panel, "finished")).to_be_visible()
    assert "pixels\t31\u00a0×\u00a017" in rows(panel)
    assert lesson.count() == cells  # JupyterLab did not paste a cell

    lesson.page.evaluate("navigator.clipboard.writeText('a text')")
    lesson.page.keyboard.press("ControlOrMeta+v")
    expect(taken(panel, "failed")).to_contain_text("There was no file in it. Nothing was sent.")
    assert "pixels\t31\u00a0×\u00a017" in rows(panel)


def test_a_large_photo_arrives_whole_and_what_can_not_be_used_is_refused(
    lesson: Notebook, tmp_path: Path
) -> None:
    panel = lesson.panel(PICKER)
    photo = tmp_path / "large.bmp"
    Image.new("RGB", (2400, 1700), "navy").save(photo)
    assert photo.stat().st_size > 12_000_000  # a Jupyter server takes ten in one message
    with panel.page.expect_file_chooser() as opened:
        chooser(panel).click()
    opened.value.set_files(photo)
    expect(taken(panel, "finished")).to_contain_text("large.bmp")
    assert f"bytes\t{photo.stat().st_size:,}" in "\n".join(rows(panel))
    film = tmp_path / "film.png"
    with film.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    drop(panel.locator(".cc-file"), film)
    expect(taken(panel, "failed")).to_contain_text("film.png can't be used: 50,000,001 bytes are")
    drop(panel.locator(".cc-file"), tmp_path)
    expect(taken(panel, "failed")).to_contain_text(f"The browser can't read {tmp_path.name}.")
    expect(panel.locator(".cc-sent")).to_contain_text("large.bmp")
