"""The benchmark runs, and gives a figure of every candidate. No test looks at how long it takes."""

import subprocess
import sys

from helpers.lessons import ROOT
from tests.benchmark import MEASURES


def test_it_prints_a_figure_of_each_candidate() -> None:
    command = [sys.executable, "-m", "tests.benchmark", "--rounds", "1", "--count", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()[2:]
    expected = [f"{title}  {name}" for names, *_, title in MEASURES.values() for name in names]
    assert [" ".join(line.split()[:-2]) for line in lines] == [
        " ".join(line.split()) for line in expected
    ]
    assert all(float(line.split()[-2].replace(",", "")) > 0 for line in lines)
