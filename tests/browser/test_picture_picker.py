"""The picture picker as a person uses it: choose, drop and paste a picture, look, ask, stop."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import FileChooser, Locator, Page, expect

from helpers.images import MAX_BYTES
from helpers.lessons import ROOT
from tests.browser.accessibility import axe
from tests.browser.conftest import Open
from tests.browser.driver import Notebook, Theme
from tests.browser.test_live_stream import state
from tests.standin import StandIn
from tests.standin.scripts import Script
from tests.test_images import PLANTED, saved, tagged

LESSON = "08-images"
PHOTO = ROOT / "images" / "lighthouse.jpg"
EVENING = "What time of day is it, and how can you tell?"
COPY = """async data => {
  const blob = await (await fetch('data:image/png;base64,' + data)).blob();
  await navigator.clipboard.write([new ClipboardItem({'image/png': blob})]);
}"""


def shown(notebook: Notebook) -> Locator:
    """The picker, once all cells were run."""
    # Playwright begins to catch file choosers when someone listens, and a key may be quicker.
    notebook.page.on("filechooser", ignored)
    notebook.run_all()
    panel = notebook.find("cc-picture-picker")
    expect(chooser(panel)).to_be_visible()
    return panel


def ignored(opened: FileChooser) -> None:
    """What is done with a file chooser that nobody expects."""


def chooser(panel: Locator) -> Locator:
    return panel.get_by_role("button", name="Choose a picture")


def pick(panel: Locator, path: Path) -> None:
    with panel.page.expect_file_chooser() as opened:
        chooser(panel).click()
    opened.value.set_files(path)


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
    """Have a picture in the clipboard."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(COPY, base64.b64encode(picture).decode())


def taken(panel: Locator, name: str) -> Locator:
    """What is said of the picture that was taken last."""
    return state(panel.locator(".cc-taken"), name)


def answered(panel: Locator, name: str) -> Locator:
    return state(panel.locator(".cc-status"), name)


def rows(panel: Locator) -> list[str]:
    found = panel.locator(".cc-sent tbody tr").all()
    return ["\t".join(row.locator("td").all_inner_texts()) for row in found]


def offered(panel: Locator, name: str) -> list[str]:
    """The options of a list. Their blanks do not break, on the page."""
    texts = panel.get_by_role("combobox", name=name).locator("option").all_text_contents()
    return [text.replace("\u00a0", " ") for text in texts]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A photo that lies on its side, and tells what it should not."""
    path = tmp_path / "mine & <yours>.jpg"
    path.write_bytes(tagged("JPEG", 6))
    return path


def test_the_pictures_of_the_lesson_can_be_asked_about_offline(replayed: Open) -> None:
    panel = shown(replayed(LESSON))
    expect(panel.locator(".cc-offline")).to_contain_text("The answers are recorded here")
    assert offered(panel, "Picture") == ["A chart of languages", "A lighthouse"]
    assert EVENING in offered(panel, "Question")
    panel.get_by_role("combobox", name="Question").select_option(index=0)
    panel.get_by_role("button", name="Run").click()
    expect(panel.locator(".cc-answer")).to_contain_text("Nobody is to be seen")
    expect(answered(panel, "finished")).to_be_visible()

    panel.get_by_role("combobox", name="Picture").select_option(index=0)
    expect(panel.locator(".cc-sent")).to_contain_text("A chart of languages (languages.png)")
    expect(panel.locator(".cc-sent img")).to_have_count(1)
    expect(panel.locator(".cc-answer")).to_contain_text("Nobody is to be seen")
    panel.get_by_role("button", name="Run").press("Enter")
    expect(panel.locator(".cc-answer")).to_contain_text("French and Bengali have the bars")


def test_a_photo_that_is_picked_shows_what_would_be_sent_and_what_not(
    replayed: Open, mine: Path
) -> None:
    notebook = replayed(LESSON)
    panel = shown(notebook)
    pick(panel, mine)
    expect(taken(panel, "finished")).to_contain_text(f"{mine.name} is ready. Nothing of it was")
    sent = panel.locator(".cc-sent")
    expect(sent).to_contain_text(f"Your picture ({mine.name})")
    expect(sent).to_contain_text("What was done: turned upright; metadata removed.")
    expect(sent).to_contain_text("No answer was recorded for it")
    expect(sent.get_by_role("img", name="Your picture, as it is sent")).to_be_visible()
    assert "pixels\t40 × 20\t20 × 40" in rows(panel)
    assert "GPSInfo" in rows(panel)[-1] and rows(panel)[-1].endswith("\tnone")
    panel.get_by_role("button", name="Run").click()
    expect(answered(panel, "failed")).to_contain_text("No recording of lesson 08-images")

    kept = notebook.saved()
    text = str(kept)
    assert mine.name not in text and "40 × 20" not in text and PLANTED.decode() not in text
    assert "widgets" not in kept.metadata


def test_the_whole_view_takes_a_file_that_is_dropped(replayed: Open, mine: Path) -> None:
    panel = shown(replayed(LESSON))
    place = panel.locator(".cc-file")
    dragged(panel.locator(".cc-answer"), mine, "dragEnter", "dragOver")
    expect(place).to_contain_class("cc-over")
    dragged(panel.page.locator(".jp-NotebookPanel-toolbar").first, mine, "dragOver")
    expect(place).not_to_contain_class("cc-over")
    drop(place, mine)
    expect(taken(panel, "finished")).to_contain_text(mine.name)
    drop(panel.locator(".cc-answer"), PHOTO)
    expect(taken(panel, "finished")).to_contain_text("lighthouse.jpg")
    assert "pixels\t1,600 × 1,200\t768 × 1,024" in rows(panel)
    assert EVENING in offered(panel, "Question")  # the same bytes as in the lesson
    panel.get_by_role("button", name="Run").click()
    expect(answered(panel, "finished")).to_be_visible()
    expect(panel.locator(".cc-answer")).to_contain_text("Your picture (lighthouse.jpg)")


def test_a_picture_can_be_pasted(replayed: Open) -> None:
    notebook = replayed(LESSON)
    panel = shown(notebook)
    copy(notebook.page, saved(Image.new("RGB", (31, 17), "red"), "PNG"))
    before = len(notebook.cells())
    panel.locator(".cc-hint").click()
    expect(panel.locator(".cc-file")).to_be_focused()
    notebook.page.keyboard.press("ControlOrMeta+v")
    expect(taken(panel, "finished")).to_be_visible()
    assert "pixels\t31 × 17" in rows(panel)
    assert len(notebook.cells()) == before  # JupyterLab did not paste a cell

    notebook.page.evaluate("navigator.clipboard.writeText('a text')")
    notebook.page.keyboard.press("ControlOrMeta+v")
    expect(taken(panel, "failed")).to_contain_text("There was no file in it. Nothing was sent.")
    assert "pixels\t31 × 17" in rows(panel)


def test_a_large_photo_arrives_whole_and_one_that_is_too_large_is_refused(
    replayed: Open, tmp_path: Path
) -> None:
    panel = shown(replayed(LESSON))
    photo = tmp_path / "large.bmp"
    Image.new("RGB", (2400, 1700), "navy").save(photo)
    assert photo.stat().st_size > 12_000_000  # a server of notebooks takes ten in one message
    pick(panel, photo)
    expect(taken(panel, "finished")).to_contain_text("large.bmp")
    assert f"bytes\t{photo.stat().st_size:,}" in "\n".join(rows(panel))
    film = tmp_path / "film.png"
    with film.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    pick(panel, film)
    expect(taken(panel, "failed")).to_contain_text("film.png can't be used: 50,000,001 bytes are")
    expect(panel.locator(".cc-sent")).to_contain_text("large.bmp")


def test_what_is_no_picture_is_said(replayed: Open, tmp_path: Path) -> None:
    panel = shown(replayed(LESSON))
    for name, data, words in (
        ("letter.png", b"hello", "it is no picture in one of the formats"),
        ("half.jpg", PHOTO.read_bytes()[:999], "it is truncated or damaged"),
        ("empty.png", b"", "it is no picture"),
    ):
        (tmp_path / name).write_bytes(data)
        drop(panel.locator(".cc-file"), tmp_path / name)
        expect(taken(panel, "failed")).to_contain_text(words)
        expect(taken(panel, "failed")).to_contain_text("What to do: use a whole PNG")
    drop(panel.locator(".cc-file"), tmp_path)
    expect(taken(panel, "failed")).to_contain_text(f"The browser can't read {tmp_path.name}.")
    expect(panel.locator(".cc-sent")).to_contain_text("A lighthouse (lighthouse.jpg)")


def test_live_a_picture_of_your_own_is_sent_when_run_is_pressed(live: Open, mine: Path) -> None:
    with StandIn() as server:
        panel = shown(live(LESSON, server))
        asked = len(server.requests)
        answer = " ".join(f"w{number}" for number in range(600))
        server.scripts = [
            Script(ask="What is <it>?", picture="", answer=("It is <b>a</b> card.",)),
            Script(ask="Go on", picture="", answer=(answer,), first_ms=100, pace_ms=10),
        ]
        pick(panel, mine)
        expect(taken(panel, "finished")).to_be_visible()
        box = panel.get_by_role("combobox", name="Question")
        box.fill("What is <it>?")
        assert len(server.requests) == asked
        box.press("Enter")
        expect(panel.locator(".cc-answer")).to_contain_text("It is <b>a</b> card.")
        expect(answered(panel, "finished")).to_be_visible()
        expect(panel.locator(".cc-sent")).to_contain_text("With the last question it took")
        url = server.requests[-1].body["messages"][0]["content"][1]["image_url"]["url"]
        data = base64.b64decode(url.removeprefix("data:image/jpeg;base64,"))
        assert PLANTED in mine.read_bytes() and PLANTED not in data
        with Image.open(io.BytesIO(data)) as picture:
            assert picture.size == (20, 40)

        box.fill("Go on")
        panel.get_by_role("button", name="Run").click()
        expect(panel.locator(".cc-answer")).to_contain_text("w0 w1 w2 w3")
        panel.get_by_role("button", name="Stop").click()
        expect(answered(panel, "stopped")).to_contain_text("it is not the whole answer")
        expect(panel.locator(".cc-answer")).to_contain_text("w0 w1 w2 w3")
        assert "w599" not in panel.locator(".cc-answer").inner_text()


def test_a_keyboard_will_do(replayed: Open, mine: Path) -> None:
    panel = shown(replayed(LESSON))
    panel.locator(".cc-file").focus()
    panel.page.keyboard.press("Tab")
    expect(chooser(panel)).to_be_focused()
    with panel.page.expect_file_chooser() as opened:
        panel.page.keyboard.press("Enter")
    opened.value.set_files(mine)
    expect(taken(panel, "finished")).to_be_visible()
    expect(chooser(panel)).to_be_focused()
    for control in ("combobox", "combobox", "button"):
        panel.page.keyboard.press("Tab")
        expect(panel.locator(":focus")).to_have_role(control)
    panel.page.keyboard.press("Enter")
    expect(answered(panel, "failed")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everyone_can_read_and_operate_it(replayed: Open, mine: Path, theme: Theme) -> None:
    notebook = replayed(LESSON)
    notebook.theme(theme)
    panel = shown(notebook)
    pick(panel, mine)
    expect(taken(panel, "finished")).to_be_visible()
    with notebook.whole():
        assert axe(notebook.page, ".cc-picture-picker") == []
