"""One function for each thing that is measured: it gives one figure of one candidate."""

import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import psutil
from nbformat.v4 import new_code_cell, new_notebook

from helpers import ChatCompletionsClient
from helpers.client.messages import JSON
from helpers.commands.run import execute
from helpers.lessons import LESSONS, ROOT
from helpers.recordings import cassette as cassettes
from helpers.recordings.replay import ReplayTransport
from tests.benchmark.candidates import MESSAGES, MODEL
from tests.notebooks import files

EXCHANGES = 200
EVENT_BYTES = 480
"""An event of the measured streams is no shorter on the wire; the test of the server looks."""
LESSON, EMPTY, PASS = "lessons", "empty notebooks", "lessons of `pass` cells"


@dataclass(frozen=True)
class Size:
    """How much is done for one figure."""

    calls: int
    streams: int
    events: int
    in_flight: int
    replays: int
    stream_bytes: int
    lessons: int


FULL = Size(300, 5, 1000, 1000, EXCHANGES, 50_000_000, len(LESSONS))
TINY = Size(2, 1, 60, 64, 2, 50_000, 1)


def plain_call(candidate: str, origin: str, size: Size) -> float:
    """Seconds of CPU for a call that is not streamed."""
    return _worker("call", candidate, f"{origin}/{size.events}", size.calls)


def streamed_events(candidate: str, origin: str, size: Size) -> float:
    """Events for each second of CPU."""
    seconds = _worker("stream", candidate, f"{origin}/{size.events}", size.streams)
    return size.events / seconds


def in_flight(candidate: str, origin: str, size: Size) -> float:
    """Seconds until all calls are answered."""
    return _worker("in flight", candidate, f"{origin}/{size.events}", size.in_flight)


def importing(candidate: str, origin: str, size: Size) -> float:
    """Seconds of CPU for the import alone, in a new process."""
    code = (
        "import sys, time; sys.modules.setdefault('rich', None); started = time.process_time(); "
        f"{candidate}; print(time.process_time() - started)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    )
    return float(done.stdout)


def replayed_call(candidate: str, origin: str, size: Size) -> float:
    """Seconds for a call that a recording of ``EXCHANGES`` exchanges answers; opening it apart."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "lesson.json"
        cassettes.save(path, _recording())
        player = ReplayTransport(path)
    client = ChatCompletionsClient(f"{origin}/openai/v1", None, MODEL, transport=player)
    asked = [_question(number) for number in range(size.replays)]
    started = time.perf_counter()
    for messages in asked:
        client.complete(messages)
    return (time.perf_counter() - started) / size.replays


def peak_memory(candidate: str, origin: str, size: Size) -> float:
    """Bytes of memory that a process has at most (its resident set) while a stream is read."""
    url = f"{origin}/{size.stream_bytes // EVENT_BYTES}"
    command = _command("memory", candidate, url, 1)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, encoding="utf-8", **pipes) as process:
        assert process.stdin is not None and process.stdout is not None
        # Its own word for its id: on Windows python.exe only starts the one that works.
        worker = psutil.Process(int(process.stdout.readline()))
        waiting = threading.Thread(target=process.stdout.readline)
        waiting.start()
        peak = 0
        while waiting.is_alive():
            peak = max(peak, worker.memory_info().rss)
            waiting.join(0.01)
        peak = max(peak, worker.memory_info().rss)
        process.stdin.close()
    return float(peak)


def headless(candidate: str, origin: str, size: Size) -> float:
    """Seconds to run the notebooks one after the other, as ``python -m helpers run`` does."""
    import papermill  # type: ignore[import-untyped]  # noqa: F401  (not part of what is measured)

    with TemporaryDirectory() as folder:
        sources = [lesson.notebook for lesson in LESSONS[: size.lessons]]
        if candidate != LESSON:
            sources = [_hollow(source, candidate, Path(folder)) for source in sources]
        started = time.perf_counter()
        for source in sources:
            execute(source, Path(folder) / "executed" / source.name)
        return time.perf_counter() - started


def _hollow(source: Path, candidate: str, folder: Path) -> Path:
    """A notebook of one ``pass`` cell; or ``source`` with ``pass`` in place of all its code."""
    nb = new_notebook(cells=[new_code_cell("pass")])
    if candidate == PASS:
        nb = files.read(source)
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.source, cell.outputs = "pass", []
    nbformat.write(nb, folder / source.name)
    return folder / source.name


def _question(number: int) -> list[dict[str, str]]:
    return [*MESSAGES[:-1], {"role": "user", "content": f"{MESSAGES[-1]['content']} ({number})"}]


def _recording() -> JSON:
    """The first exchange of lesson 01, as often as it takes, each with a question of its own."""
    tape = cassettes.load(LESSONS[1].cassette("v1"))
    first = tape["exchanges"][0]
    body = first["request"]["body"]
    for number in range(EXCHANGES):
        asked = {**first["request"], "body": {**body, "messages": _question(number)}}
        tape["exchanges"].append({**first, "request": asked})
    return {**tape, "exchanges": tape["exchanges"][-EXCHANGES:]}


def _worker(what: str, candidate: str, url: str, count: int) -> float:
    command = _command(what, candidate, url, count)
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    return float(done.stdout)


def _command(what: str, candidate: str, url: str, count: int) -> list[str]:
    return [sys.executable, "-m", "tests.benchmark.worker", what, candidate, url, str(count)]
