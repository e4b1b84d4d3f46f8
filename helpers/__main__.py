"""The command line: ``python -m helpers``."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from helpers.client.errors import ConfigurationError
from helpers.client.routes import ROUTES
from helpers.commands import results
from helpers.commands.check import check, compare
from helpers.commands.check_probes import PROBES
from helpers.commands.check_report import Report
from helpers.commands.files import check_file, write
from helpers.commands.inputs import read_deployments, read_parameters
from helpers.commands.jobs import exit_code, run_lessons
from helpers.commands.model import add_server_options, model_environment, run_model
from helpers.commands.move import move
from helpers.commands.record import record, undo
from helpers.commands.run import check_folder, environment, select_lessons
from helpers.connect import current_mode
from helpers.local_model import LocalModelError


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, run the command, and return the exit code."""
    if isinstance(sys.stdout, TextIOWrapper):  # a Windows pipe can't encode every character
        sys.stdout.reconfigure(errors="backslashreplace")
    parser = argparse.ArgumentParser(prog="python -m helpers", description="The lessons.")
    commands = parser.add_subparsers(dest="command", required=True)
    for add_command in (_add_run, _add_record, _add_model, _add_check, _add_move):
        add_command(commands)
    options = parser.parse_args(arguments)
    return int(options.start(options))


def _add_run(commands: Any) -> None:
    about = "run lessons from start to end"
    ends = "Exit code: 0, 1 if a lesson failed (the table and --junit name the cell), 2 if nothing "
    ends += "could be run, 130 after Ctrl-C. A scheduled run with a report: "
    ends += "python -m helpers run --to /var/lessons --junit /var/lessons/report.xml"
    run = commands.add_parser("run", help=about, description=f"{about.capitalize()}.", epilog=ends)
    add = run.add_argument
    which = "a name, a number or a notebook (all lessons if none)"
    add("lessons", nargs="*", metavar="LESSON", help=which)
    into = "folder for the executed notebooks (%(default)s)"
    add("--to", type=Path, default=Path("executed"), metavar="FOLDER", help=into)
    many = "lessons to run at once, each in a process of its own (the number of cores; 1 with the "
    many += "small model, which uses all of them)"
    add("--jobs", type=_positive, metavar="N", help=many)
    given = "parameters of the lessons, in a YAML file as papermill has it"
    add("--parameters", type=Path, metavar="FILE", help=given)
    one = "one parameter; may be given again"
    add("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help=one)
    add("--route", choices=ROUTES, help="the route whose recordings are replayed, or that is asked")
    asked = run.add_mutually_exclusive_group()
    asked.add_argument("--model", action="store_true", help="ask the small model on this machine")
    table = "ask each deployment of a TOML or YAML file: a list `deployment` of name, endpoint, "
    table += "model, route and key_variable (the environment variable that holds the key)"
    asked.add_argument("--endpoint-file", type=Path, metavar="FILE", help=table)
    limit = "limit for a cell, in seconds (60 offline, 600 live)"
    add("--cell-timeout", type=_positive, metavar="SECONDS", help=limit)
    add("--json", type=Path, metavar="FILE", help="write the results as JSON")
    add("--junit", type=Path, metavar="FILE", help="write them as JUnit XML")
    run.set_defaults(start=lambda options: _run(options, run))


def _run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    wanted = ((options.json, results.as_json), (options.junit, results.as_junit))
    files = {path: render for path, render in wanted if path}
    try:
        lessons = select_lessons(options.lessons)
        check_folder(options.to)
        for path in files:
            check_file(path)
        if current_mode() == "record":
            raise ConfigurationError(
                "TUTORIAL_MODE is record, and `run` does not record.",
                advice="use `python -m helpers record`, or unset TUTORIAL_MODE.",
            )
        deployments = read_deployments(options.endpoint_file) if options.endpoint_file else []
        parameters = read_parameters(options.parameters, options.p)
    except (LookupError, OSError, ConfigurationError) as wrong:
        parser.error(str(wrong))  # exits with 2
    try:
        cores = 1 if options.model else os.cpu_count() or 1
        with (
            environment(**{"TUTORIAL_ROUTE": options.route} if options.route else {}),
            model_environment(options.route or "v1") if options.model else nullcontext(),
        ):
            ended = run_lessons(
                lessons,
                options.to,
                processes=options.jobs or cores,
                deployments=deployments,
                parameters=parameters,
                cell_timeout=options.cell_timeout,
            )
        for path, render in files.items():
            write(path, render(ended))
    except LocalModelError as missing:
        print(missing, file=sys.stderr)
        return 1
    except ConfigurationError as wrong:
        parser.error(str(wrong))
    return exit_code(ended)


def _add_record(commands: Any) -> None:
    about = "record lessons from your own deployment"
    ends = "The endpoint, key and model are those of the lessons (AZURE_INFERENCE_ENDPOINT and so "
    ends += "on). What would change is shown first. Exit code: 0, 1 if a lesson failed or nobody "
    ends += "agreed, 2 without an endpoint, 3 if --compare found a difference, 130 after Ctrl-C."
    command = commands.add_parser(
        "record", help=about, description=f"{about.capitalize()}.", epilog=ends
    )
    add = command.add_argument
    which = "a name, a number or a notebook (all lessons if none)"
    add("lessons", nargs="*", metavar="LESSON", help=which)
    add("--yes", action="store_true", help="replace recordings and outputs without asking")
    other = command.add_mutually_exclusive_group()
    drift = "replace nothing; tell what the deployment says differently than it is recorded"
    other.add_argument("--compare", action="store_true", help=drift)
    back = "bring the recordings and outputs back that were shipped"
    other.add_argument("--undo", action="store_true", help=back)
    command.set_defaults(start=lambda options: _record(options, command))


def _record(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    try:
        lessons = select_lessons(options.lessons)
        if options.undo:
            return undo(lessons)
        return record(lessons, compare=options.compare, yes=options.yes)
    except (LookupError, ConfigurationError) as wrong:
        parser.error(str(wrong))  # exits with 2


def _add_model(commands: Any) -> None:
    about = "run a small real model on this machine until Ctrl-C"
    model = commands.add_parser("model", help=about, description=f"{about.capitalize()}.")
    add_server_options(model)
    model.set_defaults(
        start=lambda options: run_model(options.port, options.host, no_key=options.no_key)
    )


def _add_check(commands: Any) -> None:
    about = "measure what your endpoint can do, with small calls that cost tokens"
    ends = "The endpoint, key and model are those of the lessons (AZURE_INFERENCE_ENDPOINT and "
    ends += "so on). Exit code: 0, 1 if the endpoint does not answer, 3 if two reports differ, "
    ends += "130 after Ctrl-C; what was measured by then is kept."
    command = commands.add_parser(
        "check", help=about, description=f"{about.capitalize()}.", epilog=ends
    )
    add = command.add_argument
    what = "an endpoint, or what may lead to it: an address of the portal, a project, of one call"
    add("address", nargs="?", metavar="ADDRESS", help=what)
    limit = "stop before more tokens than this are spent"
    add("--budget", type=_positive, metavar="TOKENS", help=limit)
    rows = [probe.name for probe in PROBES]
    shown = "print requests and answers of this row (stop, say); may be given again"
    add("--show", action="append", default=[], choices=rows, metavar="ROW", help=shown)
    add("--markdown", type=Path, metavar="FILE", help="write the report as Markdown")
    add("--json", type=Path, metavar="FILE", help="write it as JSON, with requests and answers")
    add("--schema", action="store_true", help="print the JSON schema of the report, and end")
    two = "print what differs between two reports, and end"
    add("--compare", nargs=2, type=Path, metavar=("BEFORE", "AFTER"), help=two)
    command.set_defaults(start=_check)


def _check(options: argparse.Namespace) -> int:
    if options.schema:
        print(json.dumps(Report.model_json_schema(), indent=1))
        return 0
    if options.compare:
        return compare(*options.compare)
    return check(
        options.address,
        budget=options.budget,
        markdown=options.markdown,
        json_file=options.json,
        show=options.show,
    )


def _add_move(commands: Any) -> None:
    about = "list the uses of the retired SDK azure-ai-inference, with what replaces them"
    ends = "Nothing is changed. Exit code: 0 if nothing was found, 1 if something was, 2 if a file "
    ends += "could not be read."
    described = f"{about[0].upper()}{about[1:]}: in Python files and notebooks."
    command = commands.add_parser("move", help=about, description=described, epilog=ends)
    what = "a file, a folder or a pattern such as *.py"
    command.add_argument("names", nargs="+", metavar="FILE", help=what)
    command.set_defaults(start=lambda options: move(options.names))


def _positive(text: str) -> int:
    """Return the number in ``text``. Raise ``ValueError`` if it is no whole number above 0."""
    if (number := int(text)) <= 0:
        raise ValueError(text)
    return number


if __name__ == "__main__":
    raise SystemExit(main())
