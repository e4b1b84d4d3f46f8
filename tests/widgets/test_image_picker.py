"""The image picker: what would be sent, what is answered, and any file that is no picture."""

import base64
from typing import Any

import pytest
from PIL import Image

from helpers import ChatCompletionsClient
from helpers.connect import connect
from helpers.images import prepare
from helpers.lessons import ROOT
from helpers.widgets.image_picker import OWN, ImagePicker
from tests.fakes import DONE, client, event, piece, service_of, streamed
from tests.test_images import PLANTED, saved, tagged
from tests.views.test_views import Page
from tests.widgets.panels import LONG, Held, control, end_of, everything, press, state

CHART = prepare(ROOT / "images" / "languages.png")
PHOTO = prepare(ROOT / "images" / "lighthouse.jpg")
PICTURES = {"A chart": CHART, "A lighthouse": PHOTO}
BARS = "What does this chart compare, and which two bars are closest in length?"
USED = event(choices=[], usage={"prompt_tokens": 781, "completion_tokens": 2, "total_tokens": 783})
SEEN = streamed(piece("A "), piece("tower."), piece("", "stop"), USED, DONE)


@pytest.fixture
def replayed() -> ChatCompletionsClient:
    return connect("08-images")


def picker(asked: ChatCompletionsClient) -> ImagePicker:
    """A picker with its controls."""
    panel = ImagePicker(asked, PICTURES)
    assert panel.root
    return panel


def dropped(panel: ImagePicker, data: bytes, name: str = "mine.jpg") -> tuple[str, str]:
    """What is said of a file that is chosen, dropped or pasted on the page."""
    about = {"id": 0.25, "name": name, "size": len(data)}
    half = len(data) // 2 + 1
    for at in range(0, len(data) or 1, half):
        told = {**about, "at": at}
        control(panel, "file")._handle_custom_msg(told, [memoryview(data[at : at + half])])
    end_of(panel.preparing)
    return state(panel, "taken")


def asking(panel: ImagePicker, question: str = "What?") -> Any:
    control(panel, "question").value = question
    return press(panel)


def shown(panel: ImagePicker, name: str) -> str:
    return str(control(panel, name).value)


def test_what_a_picture_cost_is_said_of_no_other() -> None:
    late = Held(piece("", "stop"), USED, DONE)
    panel = picker(client(SEEN, late.answer))
    dropped(panel, tagged("JPEG"))
    asking(panel)
    assert "took 781" in shown(panel, "sent")
    control(panel, "run").click()
    another = saved(Image.new("L", (3, 3)), "PNG")  # while the first is asked about
    assert dropped(panel, another, "other.png")[0] == "finished"
    assert panel.job.snapshot.state == "running" and "other.png" in shown(panel, "sent")
    late.go.set()
    assert end_of(panel.job).value.completion is not None
    assert "took 781" not in shown(panel, "sent")
    assert "Your picture (mine.jpg):</b> What?" in shown(panel, "answer")


def test_a_picture_of_your_own_is_made_ready_and_chosen() -> None:
    asked = client(SEEN)
    panel = picker(asked)
    ready = "Finished. me & <you>.jpg is ready. Nothing of it was sent."
    assert dropped(panel, tagged("JPEG", 6), "me & <you>.jpg") == ("finished", ready)
    listed = control(panel, "picture")
    assert panel.label == listed.value == OWN
    assert listed.options == ("A chart", "A lighthouse", OWN)
    sent = Page(shown(panel, "sent").replace(' class="cc-text"', "")).text
    assert "Your picture (me & <you>.jpg)" in sent
    assert "GPSInfo" in sent and "turned upright; metadata removed" in sent
    assert service_of(asked).requests == []

    asking(panel, "Who?")
    url = service_of(asked).body["messages"][0]["content"][1]["image_url"]["url"]
    assert PLANTED not in base64.b64decode(url.partition(",")[2])
    assert "Your picture (me &amp; &lt;you&gt;.jpg):</b> Who?" in shown(panel, "answer")


def test_a_picture_of_your_own_is_in_no_notebook_and_its_bytes_in_no_widget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "lesson.ipynb")
    panel = picker(client(SEEN))
    data = tagged("JPEG")
    dropped(panel, data)
    asking(panel)
    bundle = panel._repr_mimebundle_()
    assert "<img" not in bundle["text/html"] and "40\u00a0×\u00a020" not in bundle["text/html"]
    assert "It is a picture of your own, which no notebook keeps." in bundle["text/plain"]
    states = "".join(everything(panel))
    for kept in (data, panel._choices[OWN].picture.data):
        assert base64.b64encode(kept).decode()[:200] not in states
        assert repr(kept)[2:40] not in states
    assert PLANTED.decode() not in states
    assert panel._choices[OWN].picture.original == b""
    control(panel, "picture").value = "A lighthouse"
    assert panel.static_view().html.count("<img") == 2


def test_neither_a_new_picture_nor_a_closed_panel_waits_for_one() -> None:
    panel = picker(client(SEEN))
    panel.preparing.start(lambda run: iter([None, run.sleep(LONG)]))
    assert dropped(panel, tagged("PNG"))[0] == "finished"
    panel.preparing.start(lambda run: iter([None, run.sleep(LONG)]))
    panel.close()
    assert panel.preparing.snapshot.state == "stopped" and not panel.is_built


def test_below_a_failure_stands_no_question_of_before() -> None:
    panel = picker(client(SEEN))
    panel.ask(panel.label, "What is in it?")
    assert panel.root and "What is in it?" in control(panel, "answer").value
    control(panel, "question").value = " "
    assert press(panel).state == "failed"
    shown = control(panel, "answer").value
    assert "What is in it?" not in shown and "(no text)" in shown


def test_what_is_no_picture_is_said_and_the_one_before_stays() -> None:
    asked = client(SEEN)
    panel = picker(asked)
    name, said = dropped(panel, PHOTO.data[:999])
    assert name == "failed"
    assert "truncated or damaged" in said and "What to do: use a whole PNG" in said
    assert panel.label == "A chart"
    assert control(panel, "picture").options == ("A chart", "A lighthouse")
    asking(panel)
    assert service_of(asked).body["messages"][0]["content"][1] == CHART.item()


def test_a_picture_of_your_own_is_made_as_small_as_the_panel_says() -> None:
    panel = ImagePicker(client(SEEN), PICTURES, max_side=500)
    assert dropped(panel, saved(Image.new("RGB", (3000, 30)), "PNG"))[0] == "finished"
    assert "made smaller, from 3,000 × 30 to 500 × 5 pixels" in shown(panel, "sent")


def test_an_example_is_a_picture_with_a_question(replayed: ChatCompletionsClient) -> None:
    panel = picker(replayed)
    listed = control(panel, "examples")
    labels = [label for label, _ in listed.options][1:]
    assert labels[0] == f"A chart: {BARS}" and len(labels) == 3
    assert "Which bar is the shortest?" not in str(labels)  # asked with a detail, in one part
    for label in labels:
        listed.label = label
        assert f"{control(panel, 'picture').value}: {control(panel, 'question').value}" == label
    smaller = {"A chart": prepare(ROOT / "images" / "languages.png", 500)}
    assert ImagePicker(replayed, smaller).examples() == {}
