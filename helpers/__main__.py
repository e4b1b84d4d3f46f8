"""The command line: ``python -m helpers``."""

import argparse
import json
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from helpers.client.errors import ConfigurationError
from helpers.client.routes import ROUTES
from helpers.commands.check import check, compare
from helpers.commands.check_probes import PROBES
from helpers.commands.check_report import Report
from helpers.commands.model import add_server_options, run_model, run_on_model
from helpers.commands.move import move
from helpers.commands.run import check_folder, environment, run_lessons, select_lessons
from helpers.connect import current_mode


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, run the command, and return the exit code."""
    if isinstance(sys.stdout, TextIOWrapper):  # a Windows pipe can't encode every character
        sys.stdout.reconfigure(errors="backslashreplace")
    parser = argparse.ArgumentParser(prog="python -m helpers", description="The lessons.")
    commands = parser.add_subparsers(dest="command", required=True)
    for add_command in (_add_run, _add_model, _add_check, _add_move):
        add_command(commands)
    options = parser.parse_args(arguments)
    return int(options.start(options))


def _add_run(commands: Any) -> None:
    about = "run lessons from start to end"
    run = commands.add_parser("run", help=about, description=f"{about.capitalize()}.")
    add = run.add_argument
    which = "a name, a number or a notebook (all lessons if none)"
    add("lessons", nargs="*", metavar="LESSON", help=which)
    into = "folder for the executed notebooks (%(default)s)"
    add("--to", type=Path, default=Path("executed"), metavar="FOLDER", help=into)
    add("--route", choices=ROUTES, help="the route whose recordings are replayed, or that is asked")
    add("--model", action="store_true", help="ask the small model on this machine")
    limit = "limit for a cell, in seconds (60 offline, 600 live)"
    add("--cell-timeout", type=_positive, metavar="SECONDS", help=limit)
    run.set_defaults(start=lambda options: _run(options, run))


def _run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    route = {"TUTORIAL_ROUTE": options.route} if options.route else {}
    try:
        lessons = select_lessons(options.lessons)
        check_folder(options.to)
        current_mode()
    except (LookupError, OSError, ConfigurationError) as wrong:
        parser.error(str(wrong))  # exits with 2
    with environment(**route):
        if not options.model:
            return run_lessons(lessons, options.to, options.cell_timeout)
    return run_on_model(lessons, options.to, options.route or "v1", options.cell_timeout)


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
