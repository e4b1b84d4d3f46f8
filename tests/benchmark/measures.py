"""What is measured, and what it is held against."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmark import figures
from tests.benchmark.candidates import HTTPX, OURS, RETIRED, VENDOR, VENDOR_AIOHTTP
from tests.benchmark.figures import EMPTY, EXCHANGES, LESSON, PASS, Size


@dataclass(frozen=True)
class Goal:
    """Ours is to be at most ``limit`` times the best of the rivals (or at least, if so said).

    Without rivals ``limit`` is a figure of the measure's own unit.
    """

    limit: float
    rivals: tuple[str, ...] = ()
    words: str = ""
    at_least: bool = False


@dataclass(frozen=True)
class Measure:
    """One thing to measure. ``run`` takes a candidate, the server's origin and a size.

    The first candidate is the one that has goals. ``scale`` makes a figure of ``run`` one of
    ``unit``; ``missed`` is what the profile shows, for a goal that is missed.
    """

    name: str
    unit: str
    scale: float
    rounds: int
    candidates: tuple[str, ...]
    run: Callable[[str, str, Size], float]
    goals: tuple[Goal, ...]
    missed: str


SDKS = (RETIRED, VENDOR)
IMPORTS = ("import helpers", "import httpx", "import openai", "import azure.ai.inference")
BETTER = "the better SDK"
MEASURES = (
    Measure(
        name="CPU per plain call",
        unit="µs",
        scale=1e6,
        rounds=7,
        candidates=(OURS, *SDKS),
        run=figures.plain_call,
        goals=(Goal(0.7, SDKS, BETTER),),
        missed=(
            "Half of the profile is sending and receiving, and a quarter is h11, httpx and "
            "httpcore. What is ours, a tenth, is mostly the search for the key in the answer."
        ),
    ),
    Measure(
        name="streamed events per CPU second",
        unit="events",
        scale=1.0,
        rounds=7,
        candidates=(OURS, *SDKS),
        run=figures.streamed_events,
        goals=(Goal(2.0, SDKS, BETTER, at_least=True),),
        missed=(
            "A quarter of the profile is the search for parts of the key in every event, and a "
            "fifth is h11, which takes the HTTP chunks apart in Python."
        ),
    ),
    Measure(
        name="import in a new process",
        unit="ms",
        scale=1e3,
        rounds=15,
        candidates=IMPORTS,
        run=figures.importing,
        goals=(
            Goal(1.15, IMPORTS[1:2], "`import httpx`"),
            Goal(0.25, IMPORTS[2:3], "`import openai`"),
        ),
        missed=(
            "Half of what comes on top of httpx is the making of data classes: Python compiles "
            "their methods whenever their module is imported."
        ),
    ),
    Measure(
        name="1,000 calls, 64 in flight",
        unit="s",
        scale=1.0,
        rounds=7,
        candidates=(OURS, *SDKS, VENDOR_AIOHTTP),
        run=figures.in_flight,
        goals=(Goal(0.7, (*SDKS, VENDOR_AIOHTTP), "the better async SDK"),),
        missed=(
            "An eighth of the profile is ours. Two fifths are httpx, httpcore, h11 and anyio, "
            "which parse HTTP in Python; the faster SDK uses aiohttp, whose parser is C."
        ),
    ),
    Measure(
        name=f"replayed call at {EXCHANGES} recorded exchanges",
        unit="ms",
        scale=1e3,
        rounds=7,
        candidates=(OURS,),
        run=figures.replayed_call,
        goals=(Goal(1.0),),
        missed=(
            "Nearly all of the profile is JSON: the request is written, read again, and written "
            "with its keys in order, to be looked up."
        ),
    ),
    Measure(
        name="peak memory of a 50 MB stream that is not kept",
        unit="MB",
        scale=1e-6,
        rounds=3,
        candidates=(OURS, HTTPX, *SDKS),
        run=figures.peak_memory,
        goals=(Goal(1.2, (HTTPX,), "plain httpx"),),
        missed=(
            "Before the first event the process is already larger than with httpx: azure.core, "
            "which brings the class of the key, takes 3 MB. The rest is the text that has come, "
            "kept for `completion`."
        ),
    ),
    Measure(
        name="all lessons headless",
        unit="s",
        scale=1.0,
        rounds=3,
        candidates=(LESSON, EMPTY, PASS),
        run=figures.headless,
        goals=(Goal(1.25, (EMPTY,), "as many empty notebooks"),),
        missed=(
            "A kernel of its own imports httpx, jinja2, pillow and the rest for each lesson: "
            "0.13 s of CPU, and the goal leaves a lesson not much more. Then come its cells: "
            "what the same notebooks take with nothing but `pass` in them stands in the last "
            "line."
        ),
    ),
)
