"""Run lessons in processes of their own: ``python -m helpers run``."""

import json
import os
import re
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
from tqdm import tqdm  # type: ignore[import-untyped]

from helpers.client.errors import ConfigurationError
from helpers.client.exchange import TextFilter, credential_filter
from helpers.commands.notebooks import INTERRUPTED, environment, execute, failure_text
from helpers.commands.run_inputs import Deployment
from helpers.commands.run_results import Ending, Result, as_table
from helpers.connect import current_credential
from helpers.lessons import Lesson

LOOKS_SECRET = re.compile(
    r"(^|_|api)(keys?|credentials?|token|secrets?|passwords?)$", re.IGNORECASE
)
_one_at_a_time = threading.Lock()  # the environment belongs to the whole process


@dataclass(frozen=True)
class Task:
    """One lesson to run, as it is sent to another process: without a key, but where to find it.

    ``scratch`` is a folder on the disk of ``target``, for what is not complete yet.
    """

    lesson: str
    source: Path
    target: Path
    scratch: Path
    deployment: Deployment | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    cell_timeout: int | None = None

    def result(self, result: Ending, seconds: float = 0.0, error: str = "") -> Result:
        """Return how it ended."""
        where = self.deployment.name if self.deployment else ""
        return Result(self.lesson, where, result, seconds, error)


def run_lessons(
    lessons: Sequence[Lesson],
    folder: Path,
    *,
    processes: int = 1,
    executor: Executor | None = None,
    deployments: Sequence[Deployment] = (),
    parameters: Mapping[str, Any] | None = None,
    cell_timeout: int | None = None,
) -> list[Result]:
    """Run ``lessons`` into ``folder``, on each of the deployments, and print a table of results.

    They run on ``executor`` (see ``run_tasks``), or in as many ``processes`` of this machine.
    Raise ``ConfigurationError`` for ``parameters`` that no notebook may get.
    """
    with tempfile.TemporaryDirectory(prefix=".running-", dir=folder) as scratch:
        tasks = make_tasks(
            lessons, folder, Path(scratch), deployments, parameters or {}, cell_timeout
        )
        if executor:
            results = run_tasks(tasks, executor)
        else:
            with process_pool(min(processes, len(tasks))) as pool:
                results = run_tasks(tasks, pool)
    print(as_table(results))
    print(*(f"{one.name}: {one.error}" for one in results if one.error), sep="\n")
    if unfinished := sum(one.result == "not finished" for one in results):
        print(f"Stopped by Ctrl-C: {unfinished} of {len(tasks)} did not finish.")
    if any(task.target.exists() for task in tasks):
        print(f"The executed notebooks are in {folder.resolve()}")
    return results


def exit_code(results: Sequence[Result]) -> int:
    """Return 130 after Ctrl-C, 1 if a lesson failed, else 0."""
    ends = {one.result for one in results}
    return INTERRUPTED if "not finished" in ends else int("failed" in ends)


def make_tasks(
    lessons: Sequence[Lesson],
    folder: Path,
    scratch: Path,
    deployments: Sequence[Deployment],
    parameters: Mapping[str, Any],
    cell_timeout: int | None,
) -> list[Task]:
    """Return a task for each lesson, on each deployment, with the parameters that it has.

    Raise ``ConfigurationError`` if no lesson has one of them, or if one may be a key: papermill
    stores parameters in the notebook.
    """
    known = {one.id: _parameters(one) if parameters else set() for one in lessons}
    keys = [current_credential(), *(os.environ.get(one.key_variable, "") for one in deployments)]
    for name, value in parameters.items():
        text = json.dumps(value, default=str)
        if LOOKS_SECRET.search(name) or any(
            key and (key == value or key_filter(key)(text) != text) for key in keys
        ):
            raise ConfigurationError(
                f"The parameter {name} may be a key, and notebooks store their parameters.",
                advice="set AZURE_INFERENCE_CREDENTIAL, or key_variable in an endpoint file.",
            )
        if not any(name in names for names in known.values()):
            has = ", ".join(sorted(set().union(*known.values())))
            raise ConfigurationError(
                f"No chosen lesson has a parameter {name}.", advice=f"use one of: {has}."
            )
    rows: Sequence[Deployment | None] = deployments or [None]
    return [
        Task(
            lesson.id,
            lesson.notebook,
            folder / (row.name if row else "") / f"{lesson.id}.ipynb",
            scratch,
            row,
            {name: parameters[name] for name in known[lesson.id] & {*parameters}},
            cell_timeout,
        )
        for row in rows
        for lesson in lessons
    ]


def _parameters(lesson: Lesson) -> set[str]:
    import papermill  # type: ignore[import-untyped]

    return set(papermill.inspect_notebook(str(lesson.notebook)))


def key_filter(key: str) -> TextFilter:
    """Return a function that masks ``key`` in a text, also where it is escaped."""
    return credential_filter(httpx.Request("POST", "http://localhost", headers={"api-key": key}))


def run_task(task: Task) -> Result:
    """Run a lesson in this process; ``task.target`` is written once all of it is there."""
    row = task.deployment
    partial = task.scratch / (row.name if row else "") / task.target.name
    with _one_at_a_time:
        started, error = time.perf_counter(), ""
        settings = dict(row.settings) if row else {}
        if row:
            settings["AZURE_INFERENCE_CREDENTIAL"] = os.environ.get(row.key_variable, "")
        with environment(**settings):
            mask = key_filter(current_credential())
            try:
                task.target.unlink(missing_ok=True)  # of an earlier run
                if row and row.key_variable and not current_credential():
                    raise ConfigurationError(
                        "The environment variable that key_variable names is not set.",
                        advice="set it where the lessons run.",
                    )
                execute(task.source, partial, task.cell_timeout, task.parameters)
            except Exception as reason:  # the other lessons run all the same
                error = mask(failure_text(reason))
        if partial.exists():
            partial.write_bytes(mask(partial.read_text(encoding="utf-8")).encode())
            task.target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(partial, task.target)
        took = time.perf_counter() - started
    return task.result("failed" if error else "ok", took, error)


def run_tasks(tasks: Sequence[Task], executor: Executor) -> list[Result]:
    """Run ``tasks`` on ``executor``, with a progress bar; return their results in the same order.

    The executor may be any of ``concurrent.futures`` or one like it, such as
    ``distributed.Client.get_executor()``; its workers need the folders and the environment
    variables of the keys. After Ctrl-C, what has not ended is ``not finished``.
    """
    futures: dict[Future[Result], int] = {}
    results = [task.result("not finished") for task in tasks]
    try:
        for at, task in enumerate(tasks):
            futures[executor.submit(run_task, task)] = at
        for future in tqdm(as_completed(futures), total=len(tasks), unit="lesson"):
            at = futures[future]
            try:
                results[at] = future.result()
            except Exception as reason:  # of the executor, such as a process that was killed
                results[at] = tasks[at].result("failed", error=failure_text(reason))
    except KeyboardInterrupt:
        for future in futures:
            future.cancel()
    return results


@contextmanager
def process_pool(processes: int) -> Iterator[Executor]:
    """Yield an executor whose processes end with the block, at once, and if this one is killed.

    Their kernels end with them.
    """
    # The other end is closed with the block, or by the system.
    reader, writer = Pipe(duplex=False)
    spawn = get_context("spawn")  # the same on all systems; a fork copies locks of other threads
    pool = ProcessPoolExecutor(processes, spawn, _start_process, (reader,))
    try:
        yield pool
    finally:
        writer.close()
        pool.shutdown(cancel_futures=True)


def _start_process(reader: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process decides what Ctrl-C does

    def wait() -> None:
        with suppress(EOFError, OSError):
            reader.poll(None)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
