"""Measure what a live endpoint can do: ``python -m helpers check``."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import httpx
from tqdm import tqdm  # type: ignore[import-untyped]

from helpers.client.auth import authorize
from helpers.client.client import ChatCompletionsClient
from helpers.client.errors import (
    AuthenticationError,
    BadParameterError,
    ChatError,
    ConfigurationError,
    ModelNotFoundError,
    ServiceConnectionError,
)
from helpers.client.messages import JSON
from helpers.client.redaction import TextFilter, map_strings
from helpers.commands import check_report as reports
from helpers.commands.check_probes import PROBES, Answer, Probe, Verdict, answers, user
from helpers.commands.check_report import Call, Report, Row
from helpers.commands.files import write
from helpers.commands.notebooks import CHANGED, INTERRUPTED
from helpers.connect import Settings, build_client, current_endpoint
from helpers.lessons import LESSONS
from helpers.recordings.record import recording_filter

UNLIMITED = ("basic call", "max_tokens", "max_completion_tokens")
"""The probes that limit the tokens themselves, or not at all."""
LIMIT, LIMIT_FOR_REASONING = 64, 2048
"""Tokens that an answer may take."""
PICTURE = "x" * 1200
"""What a small picture is taken to cost: 300 tokens, at four characters a token."""
AZURE = re.compile(r"\.(openai|services\.ai|cognitiveservices)\.azure\.(com|us|cn)$")
BY_HAND = "Stopped by Ctrl-C."
UNREACHABLE = "Stopped: the endpoint can't be reached any more."


def check(
    address: str | None,
    *,
    budget: int | None = None,
    show: Sequence[str] = (),
    markdown: Path | None = None,
    json_file: Path | None = None,
) -> int:
    """Measure the endpoint, print the report and write it to the files; return the exit code.

    It is 130 after Ctrl-C, which keeps what was measured, and 1 if the endpoint answers no more.
    Raise a ``ChatError`` if it never did.
    """
    names = [probe.name for probe in PROBES]
    for name in show:
        if name not in names:
            advice = f"use one of {', '.join(names)}."
            raise ConfigurationError(f"There is no row {name!r}.", advice=advice)
    report = measure(*find_endpoint(address or current_endpoint()), budget)
    print(reports.as_table(report))
    for row in report.rows:
        if row.name in show:
            print(f"\n{row.name}\n{row.model_dump_json(indent=1)}")
    write(markdown, reports.as_markdown(report))
    write(json_file, report.model_dump_json(indent=1) + "\n")
    return {BY_HAND: INTERRUPTED, UNREACHABLE: 1}.get(report.stopped, 0)


def measure(client: ChatCompletionsClient, rows: list[Row], budget: int | None) -> Report:
    """Say what it costs, then return the report: ``rows``, and those of the probes."""
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    report = Report(endpoint=describe_endpoint(client), model=client.model, measured=now, rows=rows)
    probes = [probe for probe in PROBES if probe.route in ("", client.route.name)]
    calls, tokens = sum(len(probe.requests) for probe in probes), sum(map(cost, probes))
    print(f"{len(probes)} rows: at most {calls} calls, about {tokens:,} tokens; more if the model")
    print(f"reasons (up to {LIMIT_FOR_REASONING:,} an answer). Ctrl-C keeps what is measured.")
    asker = Asker(client)
    lost = 0  # rows in sequence that did not reach the endpoint
    try:
        for probe in tqdm(probes, unit="row"):
            spent = sum(row.tokens for row in report.rows)
            if budget is not None and spent + cost(probe, asker.limit) > budget:
                report.stopped = f"Stopped at {spent:,} tokens: the next row exceeds the budget."
                break
            report.rows.append(asker.measure(probe))
            lost = lost + 1 if isinstance(asker.error, ServiceConnectionError) else 0
            if lost == 2:
                report.stopped = UNREACHABLE
                break
    except KeyboardInterrupt:
        report.stopped = BY_HAND
    return report


def compare(before: Path, after: Path) -> int:
    """Print what differs between two reports; return 3 if anything does.

    Raise ``ConfigurationError`` if one can't be read.
    """
    old, new = reports.read(before), reports.read(after)
    print(f"before: {old.title}\nafter:  {new.title}\n")
    changes = reports.changes(old, new)
    print(changes or "Nothing changed.")
    return CHANGED if changes else 0


def possible_endpoints(address: str) -> list[str]:
    """Return the endpoints that an address can mean, the likeliest first.

    The address may be that of a resource, a project, one call, or a page of the portal.
    """
    try:
        url = httpx.URL(address.strip())
    except (httpx.InvalidURL, UnicodeError):
        return [address]
    text, host = unquote(str(url)), url.host
    path = re.sub(r"/(chat/completions|responses|models/info|info)/?$", "", url.path).rstrip("/")
    project = re.search(r"/projects/([\w.-]+)", text)
    if account := re.search(r"/accounts/([\w-]+)", text):  # a page of a portal
        host, path = f"{account[1]}.services.ai.azure.com", ""
    if not AZURE.search(host):
        above = re.sub(r"(/openai)?/v1$|/models$", "", path)
        tries = [path or "/v1", *(f"{above}{one}" for one in ("/models", "/openai/v1", "/v1"))]
        return [str(url.copy_with(path=one, query=None)) for one in dict.fromkeys(tries)]
    tries = [path] if path in ("/mai/v1", "/models") else []
    if project and "services.ai" in host:
        tries.append(f"/api/projects/{project[1]}/openai/v1")
    tries += ["/openai/v1", *["/models"] * (".openai." not in host)]
    return [f"https://{host}{one}" for one in dict.fromkeys(tries)]


def find_endpoint(address: str) -> tuple[ChatCompletionsClient, list[Row]]:
    """Return a client for the form of ``address`` that answers, and a row for each route.

    Raise a ``ChatError`` if none answers: the first that says more than that there is no such path.
    """
    if not address:
        raise ConfigurationError(
            "There is no endpoint to check.",
            advice="set AZURE_INFERENCE_ENDPOINT, or name an address after `check`.",
        )
    client: ChatCompletionsClient | None = None
    rows: dict[str, Row] = {}
    errors: list[ChatError] = []
    for form in possible_endpoints(address):
        route = "models" if form.endswith("/models") else "v1"
        if route in rows and rows[route].result == "works":
            continue
        settings = {"AZURE_INFERENCE_ENDPOINT": form, "TUTORIAL_ROUTE": route}
        try:
            built, _ = build_client(LESSONS[0].id, Settings(settings, TUTORIAL_MODE="live"))
        except ConfigurationError as error:
            errors.append(error)
            continue
        asker = Asker(built)
        rows[route] = row = asker.measure(Probe(f"route {route}", "Say hello.", ({},), answers))
        if asker.error is None or isinstance(asker.error, BadParameterError):
            row.result, row.seen = "works", describe_endpoint(built)  # the model was reached
            client = client or built
        elif client is None and not is_other_path(asker.error):
            raise asker.error
        else:
            errors.append(asker.error)
    if client is None:
        raise errors[0]
    print(f"Endpoint: {client.endpoint}\n{describe_endpoint(client)}")
    return client, list(rows.values())


def is_other_path(error: ChatError) -> bool:
    """Return whether an error may say that the path is wrong, not that the deployment is.

    Some gateways have other uses for a path: litellm's proxy answers 405 or 500 then.
    """
    names_model = re.search("deployment|model", f"{error.code} {error.words}", re.IGNORECASE)
    return error.status in (404, 405, 500) and not names_model


def describe_endpoint(client: ChatCompletionsClient) -> str:
    """Return route, path and sign-in of an endpoint, without its host and the name of a project."""
    route = client.route
    path = re.sub(r"/projects/[^/]+", "/projects/PROJECT", route.endpoint.path.rstrip("/"))
    known = re.search(r"(/api/projects/PROJECT)?/(openai/v1|models|mai/v1|v1)$", path)
    facts = [f"route {route.name}", known[0] if known else "another path"]
    if version := route.url.params.get("api-version"):
        facts.append(f"api-version {version}")
    if client.credential_kind == "key":
        facts.append("key in Authorization: Bearer" if route.bearer_key else "key in api-key")
    else:
        is_signed_in = client.credential_kind == "token"
        facts.append(f"token for {route.scope}" if is_signed_in else "no credential")
    return ", ".join(facts + ["on this machine"] * route.is_loopback)


def cost(probe: Probe, limit: int = LIMIT) -> int:
    """Return about how many tokens a probe takes, with answers of ``limit`` tokens."""
    texts = [json.dumps(request) + probe.question for request in probe.requests]
    return sum(len(re.sub(r'"url": "[^"]+"', PICTURE, text)) // 4 + limit for text in texts)


class Asker:
    """Sends the probes. ``error`` is that of the last one; ``limit`` the tokens of an answer."""

    def __init__(self, client: ChatCompletionsClient) -> None:
        self.client = client.with_options(adapter=None)
        self.error: ChatError | None = None
        self.limit = LIMIT
        self._limit_name: str | None = "max_tokens"
        self._clean: TextFilter = str  # until the first request

    def measure(self, probe: Probe) -> Row:
        """Send the requests of a probe, and judge what comes; the row names no secret and no host.

        The rows of max_tokens and max_completion_tokens decide which of them limits the others.
        """
        row = Row(name=probe.name, result="unclear", seen="")
        answers: list[Answer] = []
        self.error = None
        try:
            for request in probe.requests:
                answers.append(self._ask(probe, request, row))
            row.result, row.seen = self._judge(probe, answers)
        except ChatError as error:
            self.error = error
            row.result, row.seen = refusal(probe, error, is_first=not answers)
        if probe.name == "max_completion_tokens" and row.result == "works":
            self._limit_name = probe.name
        elif probe.name == "max_tokens" and row.result == "refused":
            self._limit_name = None
        row.seen = self._clean(row.seen)
        for call in row.calls:
            call.request, call.answer = map_strings([call.request, call.answer], self._clean)
        return row

    def _judge(self, probe: Probe, answers: Sequence[Answer]) -> Verdict:
        if any(one.thought or one.completion.message.reasoning_content for one in answers):
            self.limit = LIMIT_FOR_REASONING
        for one in answers:
            is_cut = one.completion.finish_reason == "length" and probe.name not in UNLIMITED
            if is_cut and not (one.text or one.called):
                return "unclear", "all tokens that it may take were spent before the answer began"
        return probe.judge(answers)

    def _ask(self, probe: Probe, request: JSON, row: Row) -> Answer:
        """Send one request, note the call in ``row``, and return the answer."""
        options = {"messages": user(probe.question), **request}
        if probe.name not in UNLIMITED and self._limit_name:
            options[self._limit_name] = options.pop("max_tokens", self.limit)
        messages = options.pop("messages")
        built = self.client.build_request(messages, stream=probe.stream, **options)
        authorize(built, self.client.settings["credential"], self.client.route)
        self._clean = recording_filter(built)
        call = Call(request=json.loads(built.content), status=200, answer=None)
        row.calls.append(call)
        try:
            answer = self._send(probe, messages, options)
        except ChatError as error:
            call.status = error.status
            call.answer = error.exchange.response_body if error.exchange else None
            raise
        call.answer = answer.completion.raw
        text = json.dumps([call.request, answer.completion.content])
        row.tokens += answer.completion.usage.total_tokens or len(text) // 4
        return answer

    def _send(self, probe: Probe, messages: list[JSON], options: JSON) -> Answer:
        if not probe.stream:
            return Answer(self.client.complete(messages, **options))
        pieces = 0
        with self.client.stream(messages, **options) as updates:
            for update in updates:
                pieces += bool(update.content)
                if pieces and probe.breaks_off:
                    break
        return Answer(updates.completion, pieces, updates.done)


def refusal(probe: Probe, error: ChatError, *, is_first: bool) -> Verdict:
    """Return the verdict for an error: refused if the service refuses the request at issue."""
    refusals = (BadParameterError, ModelNotFoundError, AuthenticationError)
    if error.status is None or not isinstance(error, refusals):
        return "unclear", f"{error.message} {error.words}".strip()
    words = error.words or error.message
    if probe.wanted_refusal and re.search(probe.wanted_refusal, words):
        return "works", f"refused: {words}"
    return ("refused", words) if is_first else ("unclear", f"what it is compared with: {words}")
