"""The JupyterLab that is started for a browser never outlives whoever started it."""

import os
import subprocess
import sys
from pathlib import Path

import psutil

from helpers.lessons import ROOT

STARTER = """\
from tests.browser.lab import jupyterlab

with jupyterlab() as lab:
    lab.start_kernel("notebooks/00-start-here.ipynb", {})
    print("started", flush=True)
    input()
"""


def test_it_ends_with_its_kernels_when_its_starter_is_killed(tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER],
        cwd=ROOT,
        env=os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(tmp_path)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with starter:
        assert starter.stdout is not None
        starter.stdout.readline()
        started = psutil.Process(starter.pid).children(recursive=True)
        assert len(started) >= 2
        starter.kill()
    _, left = psutil.wait_procs(started, timeout=30)
    assert [one for one in left if one.status() != psutil.STATUS_ZOMBIE] == []
