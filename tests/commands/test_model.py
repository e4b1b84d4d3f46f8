"""``python -m helpers model`` and ``run --model``, without the model: its servers are played."""

import os
from pathlib import Path

import pytest

from helpers.__main__ import main
from helpers.commands import model
from helpers.commands.run_results import LessonResult
from helpers.local_model import LocalModelError, LocalModelService


class PlayedService(LocalModelService):
    """A service that starts no process and has ended already."""

    closed = False

    def start(self) -> "PlayedService":
        self.key = "" if self.no_key else "some-key"
        self.endpoints = {
            "models": f"http://{self.host}:1/models",
            "v1": f"http://{self.host}:1/openai/v1",
        }
        self.server.endpoint, self.server.key = "http://127.0.0.1:2/v1", "other-key"
        return self

    @property
    def is_running(self) -> bool:
        return False

    def close(self) -> None:
        type(self).closed = True


@pytest.fixture(autouse=True)
def played(monkeypatch: pytest.MonkeyPatch) -> None:
    """Play an installed model."""
    monkeypatch.setattr(PlayedService, "closed", False)
    monkeypatch.setattr(model, "LocalModelService", PlayedService)
    monkeypatch.setattr(model, "is_installed", lambda: True)


def test_it_says_how_to_use_it_and_when_it_has_ended(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model"]) == 1
    printed, trouble = capsys.readouterr()
    for expected in (
        'export AZURE_INFERENCE_ENDPOINT="http://127.0.0.1:1/openai/v1"',
        'export AZURE_INFERENCE_CREDENTIAL="some-key"',
        '$env:AZURE_INFERENCE_MODEL = "SmolLM2-135M-Instruct"',
        "http://127.0.0.1:1/models",
        "http://127.0.0.1:2/v1, key other-key",
    ):
        assert expected in printed
    assert trouble == "A server has ended by itself.\nWhat to do: start it again.\n"
    assert PlayedService.closed


def test_for_a_room_it_tells_an_address_of_the_network_and_no_key(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["model", "--host", "192.0.2.7", "--no-key"]) == 1
    printed = capsys.readouterr().out
    assert 'export AZURE_INFERENCE_ENDPOINT="http://192.0.2.7:1/openai/v1"' in printed
    assert '$env:TUTORIAL_ALLOW_HTTP = "1"' in printed
    assert "AZURE_INFERENCE_CREDENTIAL" not in printed


@pytest.mark.parametrize("command", [["model"], ["run", "01", "--model"]])
def test_what_goes_wrong_is_told_in_words(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(self: PlayedService) -> None:
        raise LocalModelError("The file is damaged.", advice="delete it.")

    monkeypatch.setattr(PlayedService, "start", fail)
    assert main(command) == 1
    assert capsys.readouterr().err == "The file is damaged.\nWhat to do: delete it.\n"


def test_the_size_is_told_before_the_download(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told_before = []
    monkeypatch.setattr(model, "is_installed", lambda: False)
    monkeypatch.setattr(
        model, "install", lambda on_progress: told_before.append(capsys.readouterr())
    )
    model.install_model()
    assert "127 MB" in told_before[0].out


@pytest.mark.parametrize(
    ("options", "path"), [([], "/openai/v1"), (["--route", "models"], "/models")]
)
def test_lessons_are_run_live_on_the_route(
    options: list[str], path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = {}

    def run(lessons: object, folder: Path, *, processes: int, **_: object) -> list[LessonResult]:
        seen.update(os.environ)
        assert processes == 1, "the model uses all cores by itself"
        return []

    monkeypatch.setattr("helpers.__main__.run_lessons", run)
    assert main(["run", "01", "--model", "--to", str(tmp_path), *options]) == 0
    assert seen["TUTORIAL_MODE"] == "live"
    assert seen["TUTORIAL_ROUTE"] == ""
    assert seen["AZURE_INFERENCE_ENDPOINT"] == f"http://127.0.0.1:1{path}"
    assert seen["AZURE_INFERENCE_CREDENTIAL"] == "some-key"
    assert PlayedService.closed
