"""The picture picker: what would be sent, what is answered, and any file that is no picture."""

import base64
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from PIL import Image

from helpers import BadParameterError, ChatCompletionsClient, NoRecordingError
from helpers.connect import connect
from helpers.images import MAX_BYTES, prepare
from helpers.lessons import ROOT
from helpers.widgets import panel as widgets
from helpers.widgets.image_picker import OWN, PicturePicker, picture_picker
from tests.fakes import DONE, answer, client, event, leaked, piece, service_of, streamed
from tests.test_images import PLANTED, saved, tagged
from tests.views.test_views import HOSTILE, Page
from tests.widgets.test_job import LONG, press
from tests.widgets.test_live_stream import Held

CHART = prepare(ROOT / "images" / "languages.png")
PHOTO = prepare(ROOT / "images" / "lighthouse.jpg")
PICTURES = {"A chart": CHART, "A lighthouse": PHOTO}
BARS = "What does this chart compare, and which two bars are closest in length?"
USED = event(choices=[], usage={"prompt_tokens": 781, "completion_tokens": 2, "total_tokens": 783})
SEEN = streamed(piece("A "), piece("tower."), piece("", "stop"), USED, DONE)


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widgets, "SETTLED", 0.0)


@pytest.fixture
def replayed() -> ChatCompletionsClient:
    return connect("08-images")


def picker(asked: ChatCompletionsClient) -> PicturePicker:
    """A picker with its controls."""
    panel = picture_picker(asked, PICTURES)
    assert panel.root
    return panel


def dropped(panel: PicturePicker, data: bytes, name: str = "mine.jpg") -> None:
    """What comes from the page when a file is chosen, dropped or pasted."""
    box = next(child for child in panel.root.children if "cc-file" in child._dom_classes)
    about = {"id": 0.25, "name": name, "size": len(data)}
    half = len(data) // 2 + 1
    for at in range(0, len(data) or 1, half):
        box._handle_custom_msg({**about, "at": at}, [memoryview(data[at : at + half])])
    panel.taking.wait(LONG)


def read(area: Any) -> tuple[str, str]:
    """What a status line says: the state, and all its words."""
    found = re.search(r'data-state="(\w+)"[^>]*>(.*)</div>', area.value, re.DOTALL)
    assert found
    return found[1], " ".join(Page(f"<p>{found[2]}</p>").text.split())


def test_a_press_may_overtake_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(widgets, "SETTLED", 0.2)
    asked = client(SEEN)
    panel = picker(asked)
    panel._row.run.click()
    panel._question.value = "Who?"
    press(panel._row.run)  # impatiently
    panel.job.wait(LONG)
    assert len(service_of(asked).requests) == 1
    assert service_of(asked).body["messages"][0]["content"][0]["text"] == "Who?"


def test_a_press_that_waits_for_the_question_can_be_taken_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(widgets, "SETTLED", 0.1)
    asked = client(SEEN)
    panel = picker(asked)
    panel._question.value = "Who?"
    panel._row.run.click()
    press(panel._row.stop)
    assert service_of(asked).requests == []


def test_what_the_lesson_has_is_shown_without_a_call() -> None:
    asked = client(SEEN)
    panel = picker(asked)
    static_view = panel.static_view()
    assert panel.about == "A chart"
    assert (
        "A chart (languages.png)" in static_view.plain and "No question yet." in static_view.plain
    )
    assert panel._sent.value in static_view.html
    assert read(panel.status) == ("ready", "Ready.")
    assert panel._told.value == ""
    panel._pictures.value = "A lighthouse"
    assert "A lighthouse (lighthouse.jpg)" in panel.static_view().plain
    assert "768 × 1,024" in panel._sent.value
    assert service_of(asked).requests == []


def test_ask_answers_and_the_twin_has_it_with_alt_texts(replayed: ChatCompletionsClient) -> None:
    panel = picture_picker(replayed, PICTURES)
    text = panel.ask("A chart", BARS)
    assert text.startswith("It compares")
    static_view = panel.static_view()
    assert f"A chart: {BARS}\n\nAnswer:\n{text}" in static_view.plain
    assert re.search(r"With the last question it took [\d,]+ tokens", static_view.plain)
    page = Page(static_view.html.replace(' class="cc-text"', ""))
    assert [image["alt"] for image in page.images] == [
        "A chart, in the file, and as it is sent: PNG, 1,000 by 620 pixels.".replace(
            "1,000", "1000"
        )
    ]
    assert text in page.text
    assert not panel.is_built


def test_run_sends_the_picture_as_it_is_shown_with_the_question() -> None:
    asked = client(SEEN)
    panel = picker(asked)
    panel._pictures.value = "A lighthouse"
    panel._question.value = "What is <this>?"
    press(panel._row.run)
    assert panel.job.wait(LONG).state == "finished"
    text, shown = service_of(asked).body["messages"][0]["content"]
    assert text == {"type": "text", "text": "What is <this>?"}
    assert shown["image_url"]["url"] == PHOTO.data_url
    assert "A tower." in panel._answer_area.value and "&lt;this&gt;" in panel._answer_area.value
    assert "With the last question it took 781 tokens." in panel._sent.value
    assert panel._answer_area.value in panel.static_view().html
    assert read(panel.status) == ("finished", "Finished.")


class Late(Held):
    """A stream that ends, with what it took, when it is let go."""

    def __iter__(self) -> Any:
        yield piece("A tower.", "stop").encode()
        assert self.go.wait(LONG)
        yield (USED + DONE).encode()


def test_what_a_picture_cost_is_said_of_no_other() -> None:
    late = Late()
    panel = picker(client(SEEN, answer(body=late, content_type="text/event-stream")))
    dropped(panel, tagged("JPEG"))
    panel.run("What?")
    panel.job.wait(LONG)
    assert "took 781" in panel._sent.value
    panel.run("And now?")
    dropped(panel, saved(Image.new("L", (3, 3)), "PNG"))  # while the other is asked about
    late.go.set()
    assert panel.job.wait(LONG).value.completion is not None
    assert "took 781" not in panel._sent.value


def test_a_picture_of_your_own_is_made_ready_and_chosen() -> None:
    asked = client(SEEN)
    panel = picker(asked)
    dropped(panel, tagged("JPEG", 6), "me & <you>.jpg")
    assert panel.about == panel._pictures.value == OWN
    assert panel._pictures.options == ("A chart", "A lighthouse", OWN)
    assert read(panel._told) == (
        "finished",
        "Finished. me & <you>.jpg is ready. Nothing of it was sent.",
    )
    sent = Page(panel._sent.value.replace(' class="cc-text"', "")).text
    assert "Your picture (me & <you>.jpg)" in sent
    assert "GPSInfo" in sent and "turned upright; metadata removed" in sent
    assert service_of(asked).requests == []

    panel._question.value = "Who?"
    press(panel._row.run)
    panel.job.wait(LONG)
    url = service_of(asked).body["messages"][0]["content"][1]["image_url"]["url"]
    assert PLANTED not in base64.b64decode(url.partition(",")[2])
    assert "Your picture (me &amp; &lt;you&gt;.jpg):</b> Who?" in panel._answer_area.value


def test_a_picture_of_your_own_is_in_no_notebook_and_its_bytes_in_no_widget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "lesson.ipynb")
    panel = picker(client(SEEN))
    data = tagged("JPEG")
    dropped(panel, data)
    panel.run("Who?")
    panel.job.wait(LONG)
    bundle = panel._repr_mimebundle_()
    assert "<img" not in bundle["text/html"] and "40 × 20" not in str(bundle)
    assert "It is a picture of your own, which no notebook keeps." in bundle["text/plain"]
    states = repr([widget.get_state() for widget in all_of(panel.root)])
    prepared = panel._chosen[OWN].picture.data
    for kept in (data, prepared):
        assert base64.b64encode(kept).decode()[:200] not in states
        assert repr(kept)[2:40] not in states
    assert PLANTED.decode() not in states
    assert panel._chosen[OWN].picture.original == b""
    panel._pictures.value = "A lighthouse"
    assert panel.static_view().html.count("<img") == 2


def all_of(root: Any) -> list[Any]:
    return [root, *(one for child in getattr(root, "children", ()) for one in all_of(child))]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: b"hello", "it is no picture in one of the formats PNG"),
        (lambda: b"", "it is no picture"),
        (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "it is no picture"),
        (lambda: PHOTO.data[:999], "truncated or damaged"),
        (lambda: CHART.data[:999], "can't be used"),
        (lambda: bomb(8_000, 7_000), "8,000 by 7,000 pixels are too many"),
        (lambda: bomb(65_535, 65_535), "it has far too many pixels"),
    ],
)
def test_what_is_no_picture_is_said_and_the_one_before_stays(
    make: Callable[[], bytes], words: str
) -> None:
    asked = client(SEEN)
    panel = picker(asked)
    dropped(panel, make())
    state, said = read(panel._told)
    assert state == "failed"
    assert words in said and "Nothing was sent." in said and "What to do: use a whole PNG" in said
    assert panel.about == "A chart" and panel._pictures.options == ("A chart", "A lighthouse")
    panel.run("What?")
    panel.job.wait(LONG)
    assert service_of(asked).body["messages"][0]["content"][1] == CHART.item()
    dropped(panel, tagged("PNG"))
    assert read(panel._told)[0] == "finished"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: animation(), "first picture of the animation taken; turned from GIF into PNG"),
        (lambda: saved(Image.new("CMYK", (8, 8)), "JPEG"), "nothing, it can go as it is"),
        (lambda: saved(Image.new("1", (8, 8)), "BMP"), "turned from BMP into PNG"),
        (lambda: saved(Image.new("RGBA", (8, 8)), "WEBP", lossless=True), "from WEBP into PNG"),
        (lambda: saved(Image.new("I;16", (8, 8)), "PNG"), "can go as it is"),
        (lambda: saved(Image.new("RGB", (3000, 10)), "PNG"), "from 3000 × 10 to 1024 × 3 pixels"),
    ],
)
def test_odd_pictures_are_taken_and_what_was_done_is_said(
    make: Callable[[], bytes], words: str
) -> None:
    panel = picker(client(SEEN))
    dropped(panel, make())
    assert read(panel._told)[0] == "finished"
    assert words in panel._sent.value


def bomb(*size: int) -> bytes:
    """The smallest GIF there is, that claims to be large."""
    small = saved(Image.new("L", (1, 1)), "GIF")
    return small[:6] + b"".join(side.to_bytes(2, "little") for side in size) + small[10:]


def animation() -> bytes:
    frames = [Image.new("L", (4, 4), shade) for shade in (0, 90, 180)]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:])


def test_what_is_too_large_or_no_file_is_said() -> None:
    panel = picker(client(SEEN))
    large = {"id": 1, "name": "film.jpg", "size": MAX_BYTES + 1, "at": 0}
    for told, words in ((large, "50,000,001 bytes are too many"), ({"name": ""}, "no file in it")):
        panel._heard(told, b"x")
        assert read(panel._told)[0] == "failed"
        assert words in read(panel._told)[1]
    assert panel.taking.progress.state == "ready"


def test_a_replay_offers_what_was_recorded_and_says_so(replayed: ChatCompletionsClient) -> None:
    panel = picker(replayed)
    notes = [child.value for child in panel.root.children if "cc-offline" in child._dom_classes]
    assert "The answers are recorded here" in notes[0]
    assert panel._question.options == (BARS,)
    panel._pictures.value = "A lighthouse"
    assert BARS not in panel._question.options and len(panel._question.options) == 2
    for question in panel._question.options:
        panel._question.value = question
        press(panel._row.run)
        assert panel.job.wait(LONG).state == "finished"
        assert panel.job.progress.value.text in panel.static_view().plain


def test_a_replay_knows_the_lessons_picture_by_whatever_way_it_comes(
    replayed: ChatCompletionsClient,
) -> None:
    panel = picker(replayed)
    dropped(panel, (ROOT / "images" / "lighthouse.jpg").read_bytes())
    assert len(panel._question.options) == 2
    press(panel._row.run)
    assert panel.job.wait(LONG).state == "finished"


def test_a_replay_says_that_it_has_no_answer_about_another_picture(
    replayed: ChatCompletionsClient,
) -> None:
    panel = picker(replayed)
    dropped(panel, tagged("PNG"))
    assert "No answer was recorded for it; to ask about it, go live" in panel._sent.value
    assert len(panel._question.options) == 3
    press(panel._row.run)
    panel.job.wait(LONG)
    assert "No recording of lesson 08-images" in read(panel.status)[1]
    with pytest.raises(NoRecordingError):
        panel.ask("A chart", "Anything else?")


def test_the_question_of_the_lesson_stands_in_its_box(replayed: ChatCompletionsClient) -> None:
    for asked in (replayed, client(SEEN)):
        panel = picture_picker(asked, PICTURES)
        panel.ask("A chart", BARS)
        assert panel.root
        assert panel._question.value == BARS
        assert read(panel.status)[0] == "finished"


def test_nothing_is_sent_without_a_question() -> None:
    asked = client(SEEN)
    panel = picker(asked)
    panel._question.value = " "
    press(panel._row.run)
    assert read(panel.status) == ("ready", "Ready. Write a question first.")
    with pytest.raises(ValueError, match="There is no question"):
        panel.ask("A chart", "")
    with pytest.raises(LookupError):
        panel.ask("A cat", "What?")
    assert service_of(asked).requests == []


def test_stop_keeps_what_has_arrived_and_a_new_picture_may_come_meanwhile() -> None:
    held, arrived = Held(), threading.Event()
    panel = picker(client(answer(body=held, content_type="text/event-stream")))
    panel._answer_area.observe(lambda change: "Once" in change.new and arrived.set(), "value")
    panel._question.value = "What?"
    press(panel._row.run)
    assert arrived.wait(LONG)
    dropped(panel, tagged("PNG"))
    assert panel.job.running and panel.about == OWN
    panel._row.stop.click()
    panel.job.wait(LONG)
    assert read(panel.status)[0] == "stopped"
    assert "A chart:</b> What?" in panel._answer_area.value and "Once" in panel._answer_area.value
    held.go.set()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (answer(400, {"error": {"message": "At most 1 image(s)."}}), "At most 1 image(s)."),
        (httpx.ConnectError("refused"), "could not be reached"),
    ],
)
def test_what_goes_wrong_is_said_in_words(fault: Any, words: str) -> None:
    panel = picker(client(fault))
    panel._question.value = "What?"
    press(panel._row.run)
    panel.job.wait(LONG)
    assert read(panel.status)[0] == "failed" and words in read(panel.status)[1]
    assert leaked(panel, panel.status.value, panel._sent.value) == []


def test_ask_raises_what_went_wrong() -> None:
    panel = picture_picker(client(answer(400, {"error": {"message": "No."}})), PICTURES)
    with pytest.raises(BadParameterError, match="No\\."):
        panel.ask("A chart", "What?")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_harms_nobody(text: str) -> None:
    delta = json.dumps({"choices": [{"delta": {"content": text}}]})  # in ASCII
    panel = picker(client(streamed(f"data: {delta}\n\n", DONE)))
    dropped(panel, tagged("PNG"), text)
    panel.run(text)
    panel.job.wait(LONG)
    for html in (panel._answer_area.value, panel._sent.value, panel.static_view().html):
        Page(html.replace(' class="cc-text"', ""))
    assert "<script" not in panel._told.value + panel.status.value


def test_the_script_and_what_it_needs_are_not_loaded_before_there_are_controls() -> None:
    code = (
        "import sys\n"
        "from tests.widgets.test_image_picker import PICTURES, client, picture_picker\n"
        "panel = picture_picker(client(), PICTURES)\n"
        "before = {'anywidget', 'ipywidgets'} & set(sys.modules)\n"
        "raise SystemExit(bool(before) or not panel.root or 'anywidget' not in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_a_panel_can_be_used_without_its_controls() -> None:
    panel = picture_picker(client(SEEN), PICTURES)
    panel.take("mine.png", tagged("PNG"))
    panel.taking.wait(LONG)
    assert panel.about == OWN and panel.ask(OWN, "What?") == "A tower."
    assert not panel.is_built
