"""Run lessons in processes of their own: ``python -m helpers run``."""

import json
import os
import re
import signal
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
from tqdm import tqdm  # type: ignore[import-untyped]

from helpers.client.errors import ConfigurationError
from helpers.client.redaction import TextFilter, credential_filter
from helpers.commands.files import write
from helpers.commands.notebooks import check_folder, environment, execute, failure_text
from helpers.commands.run_inputs import Deployment
from helpers.commands.run_results import LessonResult, as_table
from helpers.connect import current_credential
from helpers.lessons import Lesson

LOOKS_SECRET = re.compile(
    r"(^|_|api)(keys?|credentials?|token|secrets?|passwords?)$", re.IGNORECASE
)
_one_at_a_time = threading.Lock()  # the environment belongs to the whole process


@dataclass(frozen=True)
class Task:
    """A notebook to run, as it is sent to another process: without a key, but where to find it."""

    source: Path
    folder: Path
    deployment: Deployment | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    cell_timeout: int | None = None

    @property
    def place(self) -> Path:
        """Where the executed notebook stands in a folder: of several deployments, each has one."""
        return Path(self.deployment.name if self.deployment else "", self.source.name)

    @property
    def target(self) -> Path:
        """The executed notebook."""
        return self.folder / self.place

    @property
    def unfinished(self) -> LessonResult:
        """Its result as long as it has not ended."""
        return LessonResult(self.source.stem, self.place.parent.name)


def run_lessons(
    lessons: Sequence[Lesson],
    folder: Path,
    *,
    processes: int = 1,
    executor: Executor | None = None,
    deployments: Sequence[Deployment] = (),
    parameters: Mapping[str, Any] | None = None,
    cell_timeout: int | None = None,
) -> list[LessonResult]:
    """Run ``lessons`` into ``folder``, on each of the deployments, and print a table of results.

    They run on ``executor`` (see ``run_tasks``), or in as many ``processes`` of this machine. Each
    gets the ``parameters`` that it has. Raise ``ConfigurationError`` if none has one of them, if
    one may be a key, or if nothing can be written to ``folder``.
    """
    check_folder(folder)
    given, known = parameters or {}, dict[Lesson, set[str]]()
    if given:
        import papermill  # type: ignore[import-untyped]

        known = {one: {*papermill.inspect_notebook(str(one.notebook))} for one in lessons}
        keys = [os.environ.get(one.key_variable, "") for one in deployments]
        check_parameters(given, set().union(*known.values()), [current_credential(), *keys])
    tasks = [
        Task(
            lesson.notebook,
            folder,
            row,
            {name: given[name] for name in known.get(lesson, set()) & {*given}},
            cell_timeout,
        )
        for row in (deployments or (None,))
        for lesson in lessons
    ]
    count = min(processes, len(tasks))
    with nullcontext(executor) if executor else process_pool(count) as pool:
        results = run_tasks(tasks, pool)
    print(as_table(results))
    for task, one in zip(tasks, results, strict=True):
        if one.error:
            print(f"{task.place.with_suffix('').as_posix()}: {one.error}")
    if unfinished := sum(one.result == "not finished" for one in results):
        print(f"Stopped by Ctrl-C: {unfinished} of {len(tasks)} did not finish.")
    if any(task.target.exists() for task in tasks):
        print(f"The executed notebooks are in {folder.resolve()}")
    return results


def check_parameters(
    parameters: Mapping[str, Any], known: Collection[str], keys: Sequence[str]
) -> None:
    """Raise ``ConfigurationError`` for a parameter that is not known, or that may be a key.

    Papermill stores parameters in the notebook.
    """
    for name, value in parameters.items():
        text = json.dumps(value, default=str)
        if LOOKS_SECRET.search(name) or any(
            key and (key == value or key_filter(key)(text) != text) for key in keys
        ):
            raise ConfigurationError(
                f"The parameter {name} may be a key, and notebooks store their parameters.",
                advice="set AZURE_INFERENCE_CREDENTIAL, or key_variable in an endpoint file.",
            )
        if name not in known:
            raise ConfigurationError(
                f"No chosen lesson has a parameter {name}.",
                advice=f"use one of: {', '.join(sorted(known))}.",
            )


def key_filter(key: str) -> TextFilter:
    """Return a function that masks ``key`` in a text, also where it is escaped."""
    return credential_filter(httpx.Request("POST", "http://localhost", headers={"api-key": key}))


def run_task(task: Task) -> LessonResult:
    """Run a lesson in this process; ``task.target`` is written once all of it is there."""
    row = task.deployment
    with _one_at_a_time, environment(**_variables(row)):
        started, error = time.perf_counter(), ""
        mask = key_filter(current_credential())
        try:
            task.target.unlink(missing_ok=True)  # of an earlier run
            if row and row.key_variable and not current_credential():
                raise ConfigurationError(
                    "The environment variable that key_variable names is not set.",
                    advice="set it where the lessons run.",
                )
            text, failure = execute(task.source, task.cell_timeout, task.parameters)
            if text:
                task.target.parent.mkdir(parents=True, exist_ok=True)
                write(task.target, mask(text))
            if failure:
                raise failure
        except Exception as reason:  # the other lessons run all the same
            error = mask(failure_text(reason))
        seconds = time.perf_counter() - started
        ended = replace(task.unfinished, seconds=seconds, error=error)
        return replace(ended, result="failed" if error else "ok")


def _variables(row: Deployment | None) -> dict[str, str]:
    """Return the environment variables of a run, with the key that the environment holds now."""
    if row is None:
        return {}
    return {
        "TUTORIAL_MODE": "live",
        "TUTORIAL_ROUTE": row.route or "",
        "AZURE_INFERENCE_ENDPOINT": row.endpoint,
        "AZURE_INFERENCE_MODEL": row.model,
        "AZURE_INFERENCE_CREDENTIAL": os.environ.get(row.key_variable, ""),
    }


def run_tasks(tasks: Sequence[Task], executor: Executor) -> list[LessonResult]:
    """Run ``tasks`` on ``executor``, with a progress bar; return their results in the same order.

    The executor may be any of ``concurrent.futures`` or one like it, such as
    ``distributed.Client.get_executor()``; its workers need the folders and the environment
    variables of the keys. After Ctrl-C, what has not ended is ``not finished``.
    """
    futures: dict[Future[LessonResult], int] = {}
    results = [task.unfinished for task in tasks]
    try:
        for at, task in enumerate(tasks):
            futures[executor.submit(run_task, task)] = at
        for future in tqdm(as_completed(futures), total=len(tasks), unit="lesson"):
            at = futures[future]
            try:
                results[at] = future.result()
            except Exception as reason:  # of the executor, such as a process that was killed
                error = failure_text(reason)
                results[at] = replace(tasks[at].unfinished, result="failed", error=error)
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
