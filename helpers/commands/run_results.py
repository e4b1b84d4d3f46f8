"""The results of a run: as a table, as JSON, and as JUnit XML, which CI systems show."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Literal
from xml.etree import ElementTree

from tabulate import tabulate

Ending = Literal["ok", "failed", "not finished"]


@dataclass(frozen=True)
class Result:
    """How one lesson ended. ``error`` names the failure and the cell; empty if there is none."""

    lesson: str
    deployment: str
    result: Ending
    seconds: float = 0.0
    error: str = ""

    @property
    def name(self) -> str:
        """The lesson, and after a slash the deployment if there are several."""
        return "/".join(filter(None, [self.deployment, self.lesson]))


def as_table(results: Sequence[Result]) -> str:
    """Return a row for each result; with a column for the deployment if one is named."""
    rows = [[one.deployment, one.lesson, one.result, one.seconds] for one in results]
    names = ["deployment", "lesson", "result", "seconds"]
    first = 0 if any(one.deployment for one in results) else 1
    return tabulate([row[first:] for row in rows], names[first:], floatfmt=".1f")


def as_json(results: Sequence[Result]) -> str:
    """Return a list of objects, one for each result."""
    return json.dumps([asdict(one) for one in results], indent=1, ensure_ascii=False) + "\n"


def as_junit(results: Sequence[Result]) -> str:
    """Return a test suite for each deployment, with a test case for each lesson."""
    root = ElementTree.Element("testsuites")
    for name, group in groupby(results, lambda one: one.deployment or "lessons"):
        rows = list(group)
        counts = {"tests": len(rows), "failures": 0, "skipped": 0}
        suite = ElementTree.SubElement(root, "testsuite", name=name)
        for one in rows:
            case = ElementTree.SubElement(suite, "testcase", classname=name, name=one.lesson)
            case.set("time", f"{one.seconds:.1f}")
            if one.result == "failed":
                counts["failures"] += 1
                # XML 1.0 has no character for some, not even escaped.
                text = re.sub(
                    r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", one.error
                )
                failure = ElementTree.SubElement(case, "failure", message=text.partition("\n")[0])
                failure.text = text
            elif one.result == "not finished":
                counts["skipped"] += 1
                ElementTree.SubElement(case, "skipped")
        suite.attrib |= {name: str(count) for name, count in counts.items()}
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
