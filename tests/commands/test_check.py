"""``python -m helpers check``: the endpoint's form, the report, the comparison."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from bs4 import BeautifulSoup

from helpers import ChatCompletionsClient
from helpers.__main__ import main
from helpers.client.errors import ConfigurationError
from helpers.commands import check as command
from helpers.commands.check import Asker, possible_endpoints
from helpers.commands.check_probes import PROBES
from helpers.commands.check_report import Report, Row, as_view, read
from helpers.commands.files import write
from tests.commands.fake_service import FakeService
from tests.fakes import KEY, Service, answer, client
from tests.standin import StandIn

HOST = "my-resource.services.ai.azure.com"
NAMES = [probe.name for probe in PROBES]
V1, MODELS, PROJECT = "/openai/v1", "/models", "/api/projects/my-project/openai/v1"


@pytest.mark.parametrize(
    ("address", "origin", "paths"),
    [
        ("https://r.openai.azure.com", "https://r.openai.azure.com", [V1]),
        ("https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21",
         "https://r.openai.azure.com", [V1]),
        (f"https://{HOST}/models/chat/completions?api-version=2024-05-01-preview",
         f"https://{HOST}", [MODELS, V1]),
        (f"https://{HOST}/api/projects/my-project", f"https://{HOST}", [PROJECT, V1, MODELS]),
        ("https://ai.azure.com/resource/overview?wsid=/subscriptions/1/resourceGroups/g/providers/"
         "Microsoft.CognitiveServices/accounts/my-resource/projects/my-project&tid=2",
         f"https://{HOST}", [PROJECT, V1, MODELS]),
        ("https://portal.azure.com/#@t/resource%2Fsubscriptions%2F1%2Fproviders%2F"
         "Microsoft.CognitiveServices%2Faccounts%2Fmy-resource%2Foverview",
         f"https://{HOST}", [V1, MODELS]),
        (f"https://{HOST}/mai/v1", f"https://{HOST}", ["/mai/v1", V1, MODELS]),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", ["/v1", MODELS, V1]),
        ("not a URL at all\0", "not a URL at all\0", [""]),
    ],
)  # fmt: skip
def test_the_forms_that_an_address_can_mean(address: str, origin: str, paths: list[str]) -> None:
    assert possible_endpoints(address) == [origin + path for path in paths]


@pytest.fixture
def standin(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with StandIn(pace=0) as server:
        monkeypatch.setenv("TUTORIAL_MODE", "")
        monkeypatch.setenv("AZURE_INFERENCE_CREDENTIAL", server.key)
        monkeypatch.setenv("AZURE_INFERENCE_MODEL", "stand-in-chat")
        yield server


@pytest.mark.parametrize(
    ("given", "form"),
    [
        (V1, V1),
        ("/models/chat/completions?api-version=2024-05-01-preview", MODELS),
        ("", MODELS),
    ],
)
def test_the_form_of_the_endpoint_and_both_routes_are_found(
    given: str, form: str, standin: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    found, rows = command.find_endpoint(standin.url + given)
    assert found.endpoint == standin.url + form
    assert {row.name: row.result for row in rows} == {"route v1": "works", "route models": "works"}
    assert f"Endpoint: {standin.url}{form}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (401, {"error": {"code": "401", "message": "Access denied."}}, "refused the credential"),
        (403, {"error": {"code": "403", "message": "Virtual Network rules."}}, "from this network"),
        (404, {"error": {"code": "404", "message": "Resource not found"}}, "check the path"),
        (404, {"error": {"code": "DeploymentNotFound", "message": "no"}}, "AZURE_INFERENCE_MODEL"),
        (410, {"error": {"code": "410", "message": "Gone"}}, "was retired"),
    ],
)
def test_refusals_of_an_endpoint_are_told_apart(
    status: int,
    body: dict[str, Any],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    play(monkeypatch, service := Service(answer(status, body)))
    assert main(["check", f"https://{HOST}"]) == 1
    assert len(service.requests) == (2 if told == "check the path" else 1), "another form is tried"
    out, error = capsys.readouterr()
    assert told in error
    assert f"HTTP {status}" in error
    assert out == ""


@pytest.mark.parametrize("status", [404, 405, 500])
def test_where_a_path_is_not_served_the_next_form_is_tried(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/models"):
            return httpx.Response(status, headers={"retry-after-ms": "1"}, text="Not here.")
        return FakeService().handle_request(request)

    play(monkeypatch, httpx.MockTransport(answer))
    found, rows = command.find_endpoint(f"https://{HOST}/models")
    assert found.route.name == "v1"
    assert {row.name: row.result for row in rows}["route v1"] == "works"


Measured = Callable[..., tuple[int, Report]]


def play(monkeypatch: pytest.MonkeyPatch, transport: httpx.BaseTransport) -> None:
    """Let ``check`` ask ``transport`` in place of the network."""

    def build(lesson: str, entered: dict[str, str]) -> tuple[ChatCompletionsClient, str]:
        return client(endpoint=entered["AZURE_INFERENCE_ENDPOINT"], transport=transport), ""

    monkeypatch.setattr(command, "build_client", build)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Measured:
    """Return a function that runs ``check`` on a service, and returns exit code and report."""

    def measure(service: FakeService, *options: str) -> tuple[int, Report]:
        play(monkeypatch, service)
        path = tmp_path / "report.json"
        code = main(["check", f"https://{HOST}", "--json", str(path), *options])
        return code, read(path)

    return measure


@pytest.mark.parametrize("route", ["v1", "models"])
def test_a_model_that_reasons_is_measured_as_it_is(
    route: str,
    standin: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("AZURE_INFERENCE_ENDPOINT", getattr(standin, route))
    monkeypatch.setenv("AZURE_INFERENCE_MODEL", "stand-in-reasoning")
    main(["check", "--json", str(tmp_path / "report.json")])
    results = {row.name: row.result for row in read(tmp_path / "report.json").rows}
    refused = {"max_tokens", "temperature", "top_p", "presence_penalty", "frequency_penalty"}
    refused |= {"stop", "logprobs"}
    assert {name for name, result in results.items() if result == "refused"} == refused
    works = {"basic call", "max_completion_tokens", "streaming", "reasoning_effort", "seed", "n"}
    works |= {"[DONE]", "usage in a stream", "JSON mode", "content filter"}
    assert {name for name in works if results[name] != "works"} == set()
    assert ("extra-parameters: error" in results) == (route == "models")


def test_a_strict_model_streams_although_it_refuses_to_tell_the_usage(
    standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_INFERENCE_MODEL", "stand-in-mistral")
    found, _ = command.find_endpoint(standin.v1)
    rows = {row.name: row.result for row in map(Asker(found).measure, PROBES[:9])}
    names = ("streaming", "usage in a stream", "[DONE]")
    assert [rows[name] for name in names] == ["works", "refused", "works"]


def test_the_report_in_all_its_forms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = f"my-resource ({HOST}) has no such thing; key {KEY} | <b>"
    play(monkeypatch, FakeService(refuses={"stop"}, words=words))
    files = [tmp_path / "report.md", tmp_path / "report.json"]
    arguments = ["--markdown", str(files[0]), "--json", str(files[1]), "--show", "stop"]
    assert main(["check", f"https://{HOST}/models", *arguments]) == 0
    out = capsys.readouterr().out
    head, _, shown = out.partition("\n\nstop\n")
    assert f"{len(PROBES)} rows: at most {sum(len(one.requests) for one in PROBES)} calls" in head
    table = head.partition("answer).\n")[2]
    page, text = (path.read_text(encoding="utf-8") for path in files)
    for written in (table, page, text, shown):
        assert KEY not in written
        assert "my-resource" not in written
    assert json.loads(shown)["calls"][0]["request"]["stop"] == ["5"]
    assert "| stop " in page and "\\| &lt;b>" in page
    capsys.readouterr()
    assert main(["check", "--schema"]) == 0
    jsonschema.validate(json.loads(text), json.loads(capsys.readouterr().out))
    report = Report.model_validate_json(text)
    assert [row.name for row in report.rows] == ["route models", "route v1", *NAMES]
    assert {row.name for row in report.rows if row.result != "works"} == {"stop"}
    assert report.endpoint.startswith("route models, /models, api-version 2024-05-01-preview, key")
    assert not list(tmp_path.glob("*.new"))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://gate.example.com/tenant-7/llm",
         "route v1, another path, key in Authorization: Bearer"),
        (f"https://{HOST}/api/projects/secret-project",
         "route v1, /api/projects/PROJECT/openai/v1, key in api-key"),
    ],
)  # fmt: skip
def test_neither_a_project_nor_a_path_that_is_not_known_is_named(url: str, told: str) -> None:
    assert command.describe_endpoint(client(endpoint=url, route="v1")) == told


def test_ctrl_c_before_the_first_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    play(monkeypatch, FakeService(raises={"messages": KeyboardInterrupt()}))
    assert main(["check", f"https://{HOST}"]) == 130
    assert capsys.readouterr().err == "Stopped by Ctrl-C.\n"


def test_the_budget_stops_before_it_is_exceeded(
    measured: Measured, capsys: pytest.CaptureFixture[str]
) -> None:
    code, report = measured(FakeService(), "--budget", "300")
    assert code == 0
    assert 2 < len(report.rows) < len(PROBES)
    assert sum(row.tokens for row in report.rows) <= 300
    assert report.stopped in capsys.readouterr().out
    assert "budget" in report.stopped


def test_ctrl_c_keeps_what_was_measured(measured: Measured) -> None:
    code, report = measured(FakeService(raises={"stop": KeyboardInterrupt()}))
    assert (code, report.stopped) == (130, "Stopped by Ctrl-C.")
    assert [row.name for row in report.rows][2:] == NAMES[: NAMES.index("stop")]


def test_an_endpoint_that_is_gone_ends_the_report(measured: Measured) -> None:
    gone = httpx.ConnectError("refused")
    code, report = measured(FakeService(raises={"temperature": gone, "top_p": gone}))
    assert code == 1
    assert report.stopped == "Stopped: the endpoint can't be reached any more."
    assert [row.result for row in report.rows[-3:]] == ["works", "unclear", "unclear"]


@pytest.mark.parametrize(
    ("refuses", "name"),
    [((), "max_completion_tokens"), (("max_completion_tokens",), "max_tokens"),
     (("max_tokens", "max_completion_tokens"), None)],
)  # fmt: skip
def test_the_other_rows_limit_tokens_as_the_model_takes_it(
    refuses: tuple[str, ...], name: str | None
) -> None:
    asker = Asker(client(transport=FakeService(refuses=refuses)))
    rows = {row.name: row for row in map(asker.measure, PROBES[:4])}
    sent = rows["system role"].calls[0].request
    assert {"max_tokens", "max_completion_tokens"} & sent.keys() == ({name} if name else set())


def report(**results: Any) -> Report:
    rows = [Row(name=name, result=result, seen=result) for name, result in results.items()]
    return Report(endpoint="route v1", model="m", measured="2026-01-01", rows=rows)


def test_two_reports_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = tmp_path / "a.json", tmp_path / "b.json"
    before.write_text(
        report(stop="works", seed="works", n="works").model_dump_json(), encoding="utf-8"
    )
    after.write_text(
        report(stop="works", seed="refused", tools="works").model_dump_json(), encoding="utf-8"
    )
    assert main(["check", "--compare", str(before), str(after)]) == 3
    out = capsys.readouterr().out
    for line in ("seed   works -> refused", "n      works -> not measured"):
        assert line in out
    assert "tools  not measured -> works" in out
    assert "stop" not in out
    assert main(["check", "--compare", str(before), str(before)]) == 0
    assert "Nothing changed." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["chek"], "'run', 'record', 'model', 'check', 'move'"),
        (["check"], "There is no endpoint to check.\nWhat to do: set AZURE_INFERENCE_ENDPOINT"),
        (["check", "--show", "stopp"], "There is no row 'stopp'.\nWhat to do: use one of basic"),
        (["check", "--compare", "none.json", "none.json"], "none.json can't be read: No such file"),
        (["check", "--compare", "README.md", "README.md"], "it is no report.\nWhat to do: name a"),
        (["check", "--json", "nowhere/a.json"], f"{Path('nowhere/a.json')} can't be written"),
        (["check", "--markdown", "tests"], "tests can't be written"),
        (["run", "--junit", "nowhere/a.xml"], "can't be written"),
        (["run", "--json", "tests"], "can't be written"),
        (["run", "--parameters", "none.yaml"], "none.yaml can't be used: No such file"),
        (["record", "99"], "There is no lesson '99'.\nWhat to do: use one of 00-start-here"),
        (["record"], "There is no endpoint to record.\nWhat to do: set AZURE_INFERENCE_ENDPOINT"),
        *((["model", "--port", port], port) for port in ("-1", "65536", "x")),
        *((["run", "--cell-timeout", limit], "argument --cell-timeout: invalid")
          for limit in ("0", "-5", "soon", "")),
    ],
)  # fmt: skip
def test_a_command_line_that_is_wrong_is_told_before_anything_is_asked(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    out, error = capsys.readouterr()
    named = "" if arguments == ["chek"] else f"{arguments[0]} "
    assert error.startswith(f"usage: python -m helpers {named}[-h]")
    assert told in error
    assert out == ""


def test_a_report_that_can_not_be_written_leaves_no_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.mkdir()
    with pytest.raises(ConfigurationError, match="can't be written"):
        write(path, "{}")
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("name", ["run", "record", "model", "check", "move"])
def test_each_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: python -m helpers {name}")


def test_a_notebook_shows_a_report_with_its_words_escaped(tmp_path: Path) -> None:
    measured = report(stop="works", seed="refused")
    measured.rows[1].seen = "<b>no</b> seed"
    path = tmp_path / "report.json"
    path.write_text(measured.model_dump_json(), encoding="utf-8")
    view = as_view(read(str(path)))
    page = BeautifulSoup(view.html, "html.parser")
    colors = [str(mark["style"]) for mark in page("span")]
    assert [mark.text for mark in page("span")] == ["works", "refused"]
    assert len({*colors}) == 2
    assert "<b>no</b> seed" in page.text
    for words in (measured.title, measured.total, "stop", "works", "refused", "<b>no</b> seed"):
        assert words in view.plain
