"""Lessons in processes of their own: the same outputs, no key that leaves them, and their end."""

import logging
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from pathlib import Path

import nbformat
import pytest
from jupyter_client.connect import LocalPortCache
from nbformat.v4 import new_code_cell, new_notebook

from helpers.client.errors import ConfigurationError
from helpers.commands import run
from helpers.commands.notebooks import execute
from helpers.commands.run import Task
from helpers.commands.run_inputs import Deployment, read_deployments
from helpers.commands.run_results import as_json, as_junit, as_table
from helpers.connect import current_credential
from tests.notebooks import files

KEYS = {"WEST_KEY": "a-key-of-the-west", "EAST_KEY": "a-key-of-the-east"}
TABLE = """
- {name: west, endpoint: "https://west.openai.azure.com/openai/v1", model: one,
   key_variable: WEST_KEY}
- {name: east, endpoint: "https://east.example.com/chat", key_variable: EAST_KEY, route: models}
"""
SHOWS = """\
import hashlib, os
names = ("TUTORIAL_MODE", "TUTORIAL_ROUTE", "AZURE_INFERENCE_ENDPOINT", "AZURE_INFERENCE_MODEL")
print(*(os.environ[name] for name in names))
print(hashlib.sha256(os.environ["AZURE_INFERENCE_CREDENTIAL"].encode()).hexdigest())"""
TELLS = "raise ValueError(os.environ['AZURE_INFERENCE_CREDENTIAL'])"


def write(path: Path, *sources: str) -> Path:
    """Write a notebook with a cell for each of ``sources``, and the kernel of the lessons."""
    nb = new_notebook(cells=list(map(new_code_cell, sources)))
    files.normalise(nb)
    files.write(path, nb)
    return path


def made(folder: Path, into: str) -> list[Task]:
    """Two notebooks, of which the second tells its key, on each of two deployments."""
    table = folder / "table.yaml"
    table.write_text(TABLE, encoding="utf-8")
    sources = [write(folder / "shows.ipynb", SHOWS), write(folder / "tells.ipynb", SHOWS, TELLS)]
    return [Task(one, folder / into, row) for row in read_deployments(table) for one in sources]


@contextmanager
def dask() -> Iterator[Executor]:
    """A cluster of two processes; its workers have two threads, and one environment each."""
    import distributed  # type: ignore[import-untyped]  # changes how errors are pickled

    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=2, dashboard_address=None
        ) as local,
        distributed.Client(local) as client,
    ):
        yield client.get_executor()


EXECUTORS = {"processes": lambda: run.process_pool(2), "dask": dask}


@pytest.mark.parametrize("executor", EXECUTORS.values(), ids=EXECUTORS)
def test_any_executor_gives_what_one_after_another_gives_and_no_key_leaves_the_processes(
    executor: Callable[[], AbstractContextManager[Executor]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.INFO)  # papermill logs outputs on DEBUG
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    before = dict(os.environ)
    at_once = made(tmp_path, "at once")
    with executor() as two:
        results = run.run_tasks(at_once, two)
    alone = [run.run_task(task) for task in made(tmp_path, "alone")]
    assert {name: os.environ.get(name) for name in before} == before

    for one, other in zip(results, alone, strict=True):
        facts = (one.lesson, one.deployment, one.result, one.error)
        assert facts == (other.lesson, other.deployment, other.result, other.error)
        path = Path(one.deployment, f"{one.lesson}.ipynb")
        outputs = [
            [cell.outputs for cell in files.read(tmp_path / into / path).cells if "outputs" in cell]
            for into in ("at once", "alone")
        ]
        assert outputs[0] == outputs[1]
    assert [one.result for one in results] == ["ok", "failed"] * 2
    assert results[1].error == f"ValueError: ***\n  In [2]: {TELLS}"
    shown = [files.read(at_once[at].target).cells[0].outputs[0].text for at in (0, 2)]
    assert shown == [
        f"live  https://west.openai.azure.com/openai/v1 one\n{digest('WEST_KEY')}\n",
        f"live models https://east.example.com/chat \n{digest('EAST_KEY')}\n",
    ]
    told = {"sent": str(pickle.dumps([at_once, results])), "logged": caplog.text}
    told |= {"printed": "".join(capfd.readouterr())}
    told |= {str(render): render(results) for render in (as_table, as_json, as_junit)}
    files_written = [path for path in tmp_path.rglob("*") if path.is_file()]
    told |= {str(path): path.read_text(encoding="utf-8") for path in files_written}
    leaking = [name for name, text in told.items() if any(key in text for key in KEYS.values())]
    assert leaking == []


def digest(name: str) -> str:
    return sha256(KEYS[name].encode()).hexdigest()


def test_a_key_that_is_not_set_where_the_lesson_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_INFERENCE_CREDENTIAL", "the-key-of-another")
    result = run.run_task(made(tmp_path, "out")[0])
    assert result.error.startswith("ConfigurationError: The environment variable that key_variable")
    assert not list(tmp_path.glob("out/*/*"))


def test_a_deployment_without_a_key_does_not_get_the_key_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(run, "execute", lambda *_: (seen.append(current_credential()), None))
    monkeypatch.setenv("AZURE_INFERENCE_CREDENTIAL", "the-key-of-another")
    row = Deployment(name="open", endpoint="http://localhost:8000/v1")
    task = Task(tmp_path / "one.ipynb", tmp_path, row)
    assert run.run_task(task).result == "ok"
    assert seen == [""]


KEY = "sk-a-key-that-stands-where-a-name-should"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TABLE.replace("WEST_KEY", KEY), "0: key_variable: String should match pattern"),
        (TABLE.replace("WEST_KEY", "c0ffee" * 14), "0: key_variable: String should match"),
        (TABLE.replace("key_variable", "key"), "0: key: Extra inputs are not permitted"),
        (TABLE.replace("west,", "../west,"), "0: name: String should match pattern"),
        (TABLE.replace("west,", "East,"), "Value error, two have the same name"),
        (TABLE.replace("models}", "v2}"), "1: route: Input should be"),
        (KEY, "Input should be a valid list"),
        ("[]", "List should have at least 1 item"),
        (f"{KEY}: [", "ParserError, it is no YAML"),
        (None, "No such file or directory"),
    ],
)
def test_a_table_that_is_wrong_is_told_without_what_is_in_it(
    text: str | None, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "table.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as wrong:
        read_deployments(path)
    assert f"can't be used: {told}" in " ".join(str(wrong.value).split())
    assert "c0ffee" not in str(wrong.value)
    assert KEY not in str(wrong.value)


def test_a_run_in_another_thread_does_not_see_the_key_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {"WEST_KEY": "a-key-of-the-west", "AZURE_INFERENCE_CREDENTIAL": "the-key-of-mine"}
    for name, key in keys.items():
        monkeypatch.setenv(name, key)
    used = []

    def execute(*_: object) -> tuple[str, None]:
        used.append(str(current_credential()))
        time.sleep(0.3)  # the other run starts meanwhile
        return "", None

    monkeypatch.setattr(run, "execute", execute)
    rows = [Deployment(name=name, endpoint="any", key_variable=name) for name in keys]
    tasks = [Task(Path("any.ipynb"), tmp_path, row) for row in rows]
    with ThreadPoolExecutor(2) as pool:
        assert [one.result for one in run.run_tasks(tasks, pool)] == ["ok", "ok"]
    assert used == list(keys.values())


def test_a_kernel_whose_port_is_taken_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = LocalPortCache.find_available_port
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = [other.getsockname()[1]]
        monkeypatch.setattr(
            LocalPortCache,
            "find_available_port",
            lambda cache, ip: taken.pop() if taken else find(cache, ip),
        )
        text, failure = execute(write(tmp_path / "here.ipynb", "print('here')"))
    assert (taken, failure) == ([], None)
    assert nbformat.reads(text, 4).cells[0].outputs[0].text == "here\n"


def test_a_process_that_is_killed_fails_its_lesson(tmp_path: Path) -> None:
    source = write(tmp_path / "kills.ipynb", "import os; os.kill(os.getppid(), 9)")
    task = Task(source, tmp_path / "out")
    with run.process_pool(1) as pool:
        (result,) = run.run_tasks([task], pool)
    assert result.result == "failed"
    assert result.error.startswith("BrokenProcessPool: ")


RUNS = """\
import signal
import sys
from pathlib import Path
from helpers import lessons
from helpers.__main__ import main
# A program that a shell script starts with "&" inherits that Ctrl-C is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
lessons.ROOT = Path(sys.argv[1])
names = "00-quick", "01-slow", "02-slow"
lessons.LESSONS = [lessons.Lesson(name, "", 1, "", "") for name in names]
raise SystemExit(main(["run", "--to", sys.argv[1] + "/out", "--jobs", "2"]))
"""
SLOW = """\
import os, time
from pathlib import Path
Path("{}.pid").write_text(str(os.getpid()))
time.sleep(60)"""


@pytest.mark.skipif(sys.platform == "win32", reason="the signals are those of Unix")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_what_is_stopped_leaves_nothing_half_written_and_no_kernel(
    sent: signal.Signals, tmp_path: Path
) -> None:
    (notebooks := tmp_path / "notebooks").mkdir()
    write(notebooks / "00-quick.ipynb", "1")
    for name in ("01-slow", "02-slow"):
        write(notebooks / f"{name}.ipynb", SLOW.format(name))
    run = subprocess.Popen(
        [sys.executable, "-c", RUNS, str(tmp_path)], stdout=subprocess.PIPE, encoding="utf-8"
    )
    wait_for(lambda: len(list(notebooks.glob("*.pid"))) == 2 and (tmp_path / "out").glob("00*"))
    kernels = [int(path.read_text()) for path in notebooks.glob("*.pid")]
    run.send_signal(sent)
    out = run.communicate(timeout=20)[0]
    wait_for(lambda: not any(map(is_running, kernels)))
    wait_for(lambda: [path.name for path in (tmp_path / "out").iterdir()] == ["00-quick.ipynb"])
    files.read(tmp_path / "out" / "00-quick.ipynb")
    if sent == signal.SIGINT:
        assert run.returncode == 130
        assert out.count("not finished") == 2
        assert "Stopped by Ctrl-C: 2 of 3 did not finish." in out


def is_running(process: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)
