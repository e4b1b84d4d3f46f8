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

from helpers.client.errors import ChatError, ConfigurationError
from helpers.client.routes import ROUTES
from helpers.commands import run_results
from helpers.commands.files import check_files, write
from helpers.commands.model import add_server_options, model_environment, run_model
from helpers.commands.move import move
from helpers.commands.notebooks import INTERRUPTED, check_folder, environment
from helpers.commands.record import record, undo
from helpers.commands.run import run_lessons
from helpers.commands.run_inputs import read_deployments, read_parameters
from helpers.connect import current_mode
from helpers.lessons import select_lessons

OWN_ENDPOINT = (
    "The endpoint, key and model are those of the lessons (AZURE_INFERENCE_ENDPOINT and so on)."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, run the command, and return the exit code."""
    if isinstance(sys.stdout, TextIOWrapper):  # a Windows pipe can't encode every character
        sys.stdout.reconfigure(errors="backslashreplace")
    parser = argparse.ArgumentParser(prog="python -m helpers", description="The lessons.")
    commands = parser.add_subparsers(dest="command", required=True)
    for add_command in (_add_run, _add_record, _add_model, _add_check, _add_move):
        add_command(commands)
    options = parser.parse_args(arguments)
    try:
        return int(options.start(options))
    except ConfigurationError as wrong:
        commands.choices[options.command].error(str(wrong))  # exits with 2
    except ChatError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped by Ctrl-C.", file=sys.stderr)
        return INTERRUPTED


def _add_lessons(parser: argparse.ArgumentParser) -> None:
    which = "a name, a number or a notebook (all lessons if none)"
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help=which)


def _add_run(commands: Any) -> None:
    ends = "Exit code: 0, 1 if a lesson failed (the table and --junit name the cell), 2 if nothing "
    ends += "could be run, 130 after Ctrl-C. A scheduled run with a report: "
    ends += "python -m helpers run --to /var/lessons --junit /var/lessons/report.xml"
    about = "run lessons from start to end"
    run = commands.add_parser("run", help=about, description=about, epilog=ends)
    run.set_defaults(start=_run)
    add = run.add_argument
    _add_lessons(run)
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
    table = "ask each deployment of a YAML file: a list of name, endpoint, model, route and "
    table += "key_variable (the environment variable that holds the key)"
    asked.add_argument("--endpoint-file", type=Path, metavar="FILE", help=table)
    limit = "limit for a cell, in seconds (60 offline, 600 live)"
    add("--cell-timeout", type=_positive, metavar="SECONDS", help=limit)
    add("--json", type=Path, metavar="FILE", help="write the results as JSON")
    add("--junit", type=Path, metavar="FILE", help="write them as JUnit XML")


def _run(options: argparse.Namespace) -> int:
    lessons = select_lessons(options.lessons)
    check_folder(options.to)
    check_files(options.json, options.junit)  # in that folder, maybe
    if current_mode() == "record":
        raise ConfigurationError(
            "TUTORIAL_MODE is record, and `run` does not record.",
            advice="use `python -m helpers record`, or unset TUTORIAL_MODE.",
        )
    deployments = read_deployments(options.endpoint_file)
    parameters = read_parameters(options.parameters, options.p)
    cores = 1 if options.model else os.cpu_count() or 1
    with (
        environment(**{"TUTORIAL_ROUTE": options.route} if options.route else {}),
        model_environment(options.route or "v1") if options.model else nullcontext(),
    ):
        results = run_lessons(
            lessons,
            options.to,
            processes=options.jobs or cores,
            deployments=deployments,
            parameters=parameters,
            cell_timeout=options.cell_timeout,
        )
    write(options.json, run_results.as_json(results))
    write(options.junit, run_results.as_junit(results))
    return run_results.exit_code(results)


def _add_record(commands: Any) -> None:
    ends = f"{OWN_ENDPOINT} What would change is shown first. Exit code: 0, 1 if a lesson failed "
    ends += "or nobody agreed, 2 without an endpoint, 3 if --compare found a difference, 130 after "
    ends += "Ctrl-C."
    about = "record lessons from your own deployment"
    command = commands.add_parser("record", help=about, description=about, epilog=ends)
    command.set_defaults(start=_record)
    _add_lessons(command)
    yes = "replace recordings and outputs without asking"
    command.add_argument("--yes", action="store_true", help=yes)
    other = command.add_mutually_exclusive_group()
    drift = "replace nothing; tell what the deployment says differently than it is recorded"
    other.add_argument("--compare", action="store_true", help=drift)
    back = "bring the recordings and outputs back that were shipped"
    other.add_argument("--undo", action="store_true", help=back)


def _record(options: argparse.Namespace) -> int:
    lessons = select_lessons(options.lessons)
    if options.undo:
        return undo(lessons)
    return record(lessons, compare=options.compare, yes=options.yes)


def _add_model(commands: Any) -> None:
    about = "run a small real model on this machine until Ctrl-C"
    model = commands.add_parser("model", help=about, description=about)
    model.set_defaults(start=lambda given: run_model(given.port, given.host, no_key=given.no_key))
    add_server_options(model)


def _add_check(commands: Any) -> None:
    ends = f"{OWN_ENDPOINT} Exit code: 0, 1 if the endpoint does not answer, 2 without one, 3 if "
    ends += "two reports differ, 130 after Ctrl-C; what was measured by then is kept."
    about = "measure what your endpoint can do, with small calls that cost tokens"
    check = commands.add_parser("check", help=about, description=about, epilog=ends)
    check.set_defaults(start=_check)
    add = check.add_argument
    what = "an endpoint, or what may lead to it: an address of the portal, a project, of one call"
    add("address", nargs="?", metavar="ADDRESS", help=what)
    limit = "stop before more tokens than this are spent"
    add("--budget", type=_positive, metavar="TOKENS", help=limit)
    shown = "print requests and answers of this row (stop, say); may be given again"
    add("--show", action="append", default=[], metavar="ROW", help=shown)
    add("--markdown", type=Path, metavar="FILE", help="write the report as Markdown")
    add("--json", type=Path, metavar="FILE", help="write it as JSON, with requests and answers")
    add("--schema", action="store_true", help="print the JSON schema of the report, and end")
    two = "print what differs between two reports, and end"
    add("--compare", nargs=2, type=Path, metavar=("BEFORE", "AFTER"), help=two)


def _check(options: argparse.Namespace) -> int:
    # Not needed by the processes of `run`, which import this module too.
    from helpers.commands.check import check, compare
    from helpers.commands.check_report import Report

    if options.schema:
        print(json.dumps(Report.model_json_schema(), indent=1))
        return 0
    if options.compare:
        return compare(*options.compare)
    check_files(options.markdown, options.json)
    return check(
        options.address,
        budget=options.budget,
        markdown=options.markdown,
        json_file=options.json,
        show=options.show,
    )


def _add_move(commands: Any) -> None:
    ends = "Python files and notebooks are read, and nothing is changed. Exit code: 0 "
    ends += "if nothing was found, 1 if something was, 2 if a file could not be read."
    about = "list the uses of the retired SDK azure-ai-inference, with what replaces them"
    command = commands.add_parser("move", help=about, description=about, epilog=ends)
    command.set_defaults(start=lambda given: move(given.names))
    what = "a file, a folder or a pattern such as *.py"
    command.add_argument("names", nargs="+", metavar="FILE", help=what)


def _positive(text: str) -> int:
    """Return the number in ``text``. Raise ``ValueError`` if it is no whole number above 0."""
    if (number := int(text)) <= 0:
        raise ValueError(text)
    return number


if __name__ == "__main__":
    raise SystemExit(main())
