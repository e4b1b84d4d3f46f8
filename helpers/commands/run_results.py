"""The results of a run: as a table, as JSON, and as JUnit XML, which CI systems show."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal
from xml.etree import ElementTree

from pydantic import TypeAdapter
from tabulate import tabulate

from helpers.commands.notebooks import INTERRUPTED

NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not have, not even escaped."""


@dataclass(frozen=True)
class LessonResult:
    """How one lesson ended. ``error`` names the failure and the cell; empty if there is none."""

    lesson: str
    deployment: str
    result: Literal["ok", "failed", "not finished"] = "not finished"
    seconds: float = 0.0
    error: str = ""


def as_table(results: Sequence[LessonResult]) -> str:
    """Return a row for each result; with a column for the deployment if one is named."""
    first = 0 if any(one.deployment for one in results) else 1
    rows = [[one.deployment, one.lesson, one.result, one.seconds][first:] for one in results]
    names = ["deployment", "lesson", "result", "seconds"][first:]
    return tabulate(rows, names, floatfmt=".1f")


def as_json(results: Sequence[LessonResult]) -> str:
    """Return a list of objects, one for each result."""
    return TypeAdapter(Sequence[LessonResult]).dump_json(results, indent=1).decode() + "\n"


def as_junit(results: Sequence[LessonResult]) -> str:
    """Return a test suite for each deployment, with a test case for each lesson."""
    root = ElementTree.Element("testsuites")
    for name, rows in groupby(results, lambda one: one.deployment or "lessons"):
        suite = ElementTree.SubElement(root, "testsuite", name=name)
        for one in rows:
            case = ElementTree.SubElement(suite, "testcase", classname=name, name=one.lesson)
            case.set("time", f"{one.seconds:.1f}")
            if one.result == "failed":
                text = NO_XML.sub("?", one.error)
                failure = ElementTree.SubElement(case, "failure", message=text.partition("\n")[0])
                failure.text = text
            elif one.result == "not finished":
                ElementTree.SubElement(case, "skipped")
        counts = {"tests": "testcase", "failures": "*/failure", "skipped": "*/skipped"}
        suite.attrib |= {count: str(len(suite.findall(path))) for count, path in counts.items()}
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def exit_code(results: Sequence[LessonResult]) -> int:
    """Return 130 after Ctrl-C, 1 if a lesson failed, else 0."""
    found = {one.result for one in results}
    return INTERRUPTED if "not finished" in found else int("failed" in found)
