"""A chosen picture: what would be sent of it is said, and what can be asked about it offline."""

from dataclasses import replace
from pathlib import Path

import pytest

from helpers import ChatCompletionsClient, NoRecordingError
from helpers.connect import connect
from helpers.images import Picture, prepare
from helpers.lessons import ROOT
from helpers.widgets.image_choice import Chosen, recorded_questions
from tests.fakes import client, service_of
from tests.views.test_views import Page

CHART, PHOTO = ROOT / "images" / "languages.png", ROOT / "images" / "lighthouse.jpg"


@pytest.fixture
def replayed() -> ChatCompletionsClient:
    return connect("08-images")


@pytest.mark.parametrize("path", [CHART, PHOTO], ids=lambda path: path.stem)
def test_each_question_that_is_offered_has_a_recording(
    replayed: ChatCompletionsClient, path: Path
) -> None:
    chosen = Chosen.of(replayed, "It", prepare(path))
    assert chosen.questions
    for question in chosen.questions:
        with replayed.stream(chosen.messages(question)) as stream:
            assert "".join(update.content for update in stream)
    with pytest.raises(NoRecordingError), replayed.stream(chosen.messages("And?")) as stream:
        list(stream)


def test_what_was_asked_about_another_picture_or_in_another_way_is_not_offered(
    replayed: ChatCompletionsClient,
) -> None:
    chart, photo = prepare(CHART), prepare(PHOTO)
    of_chart, of_photo = (recorded_questions(replayed, one) or [] for one in (chart, photo))
    assert not set(of_chart) & set(of_photo)
    assert "Which bar is the shortest?" not in of_chart  # it was asked with a detail, in one part
    assert recorded_questions(replayed, prepare(CHART, 500)) == []


def test_live_anything_can_be_asked() -> None:
    asked = client()
    assert recorded_questions(asked, prepare(CHART)) is None
    assert service_of(asked).requests == []


def test_what_would_be_sent_is_said_in_numbers(replayed: ChatCompletionsClient) -> None:
    photo: Picture = prepare(PHOTO)
    chosen = Chosen.of(replayed, "A <b>lighthouse</b>", photo)
    sent = chosen.sent()
    page = Page(sent.html.replace(' class="cc-text"', ""))
    assert [image["alt"][:18] for image in page.images] == ["A <b>lighthouse</b"] * 2
    for text in (page.text, sent.plain):
        assert "turned upright; made smaller, from 1200 × 1600 to 768 × 1024" in text
        assert f"type image/jpeg, {len(photo.data_url):,} characters long." in text
        assert "How many tokens it takes is known after an answer." in text
        assert "No answer was recorded" not in text
    assert (
        "With the last question it took 1,234 tokens." in replace(chosen, tokens=1234).sent().plain
    )
    assert "No answer was recorded for it" in replace(chosen, questions=[]).sent().plain


def test_the_bytes_of_the_file_are_not_kept(replayed: ChatCompletionsClient) -> None:
    chosen = Chosen.of(replayed, "It", prepare(PHOTO))
    assert chosen.picture.original == b""
    assert chosen.picture.data == prepare(PHOTO).data
