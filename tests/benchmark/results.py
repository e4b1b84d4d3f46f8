"""From figures to verdicts, and from verdicts to a table."""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from tabulate import tabulate

from tests.benchmark.measures import Goal, Measure

Figures = Mapping[str, Sequence[float]]
"""Of each candidate one figure a round, in the unit of the measure."""

PACKAGES = (
    *("azure-ai-inference", "openai", "httpx", "httpcore", "anyio", "aiohttp"),
    *("papermill", "nbclient", "ipykernel"),
)
HEADERS = ("measure", "goal", "measured", "spread", "", "medians (lowest to highest)")
INTRODUCTION = """\
# How fast, how small

Made by `python -m tests.benchmark` in one run on one machine. The seconds are worth little on
another machine; the ratios are what to look at.

All clients ask the same server on this machine and get the same bytes: those of the stand-in
endpoint, on the v1 route. The server has a process of its own, and each figure of a client has a
new one. The candidates take turns, round by round, so that whatever else the machine does meets all
of them, and a ratio is made of two figures of the same round. "Measured" is the median of the
rounds; "spread" is the lowest and the highest. The key has 84 characters, like the keys of the
service: ours looks for parts of it in all that comes back, which the SDKs do not.
"""


@dataclass(frozen=True)
class FilterResult:
    """What came of one goal: the ratio in the middle, at its lowest and at its highest."""

    goal: Goal
    ratio: float
    low: float
    high: float

    @property
    def met(self) -> bool:
        """Whether the ratio in the middle is as it was to be."""
        if self.goal.at_least:
            return self.ratio >= self.goal.limit
        return self.ratio <= self.goal.limit

    @property
    def miss(self) -> float:
        """How far off the goal is, in per cent of it."""
        return abs(self.ratio / self.goal.limit - 1) * 100


def judged(measure: Measure, figures: Figures, goal: Goal) -> FilterResult:
    """The verdict on one goal. The best rival is the one with the best median."""
    ratios = list(figures[measure.candidates[0]])
    if goal.rivals:
        rival = figures[best_rival(goal, figures)]
        ratios = [ours / theirs for ours, theirs in zip(ratios, rival, strict=True)]
    # Rounded as they are shown, so that no figure on the page contradicts its verdict.
    return FilterResult(
        goal, *(round(figure, 3) for figure in (median(ratios), min(ratios), max(ratios)))
    )


def best_rival(goal: Goal, figures: Figures) -> str:
    """The rival that ours is held against."""
    best = max if goal.at_least else min
    return best(goal.rivals, key=lambda rival: median(figures[rival]))


def goal_in_words(measure: Measure, goal: Goal) -> str:
    """``at most 0.7 of the better SDK``."""
    if not goal.rivals:
        return f"at most {goal.limit:g} {measure.unit}"
    if goal.at_least:
        return f"at least {goal.limit:g} times {goal.words}"
    return f"at most {goal.limit:g} of {goal.words}"


def shown(figure: float) -> str:
    """A figure with three digits that count."""
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


def page(results: Mapping[Measure, Figures], ran_on: str) -> str:
    """The whole of ``BENCHMARK.md``."""
    table = tabulate([*_rows(results)], headers=HEADERS, tablefmt="github", disable_numparse=True)
    missed = [*_misses(results)]
    parts = [
        INTRODUCTION,
        f"![{alt_text(results)}](../images/benchmark.png)\n",
        table + "\n",
        *(["## What was missed, and why\n", *missed] if missed else []),
        f"## What it ran on\n\n{ran_on}",
    ]
    return "\n".join(parts)


def alt_text(results: Mapping[Measure, Figures]) -> str:
    """What the picture shows, for those who do not see it."""
    verdicts = [judged(m, figures, goal) for m, figures in results.items() for goal in m.goals]
    met = sum(verdict.met for verdict in verdicts)
    return (
        "Bars: for each measure our client's figure beside those of azure-ai-inference, openai or "
        f"what else it is held against, with a line at each goal. {met} of {len(verdicts)} goals "
        "are met; the table has every figure."
    )


def _rows(results: Mapping[Measure, Figures]) -> Iterator[list[str]]:
    for measure, figures in results.items():
        name, raw = measure.name, "<br>".join([*_medians(measure, figures)])
        for goal in measure.goals:
            verdict = judged(measure, figures, goal)
            yield [
                name,
                goal_in_words(measure, goal),
                f"{verdict.ratio:.3f}" + ("" if goal.rivals else f" {measure.unit}"),
                f"{verdict.low:.3f} to {verdict.high:.3f}",
                "met" if verdict.met else "**missed**",
                raw,
            ]
            name = raw = ""


def _medians(measure: Measure, figures: Figures) -> Iterator[str]:
    for candidate, of in figures.items():
        spread = f"{shown(min(of))} to {shown(max(of))}"
        yield f"{candidate}: {shown(median(of))} {measure.unit} ({spread})"
    yield f"{measure.rounds} rounds"


def _misses(results: Mapping[Measure, Figures]) -> Iterator[str]:
    for measure, figures in results.items():
        for goal in measure.goals:
            verdict = judged(measure, figures, goal)
            if not verdict.met:
                yield (
                    f"**{measure.name}**: {verdict.ratio:.3f} instead of "
                    f"{goal_in_words(measure, goal)}, {verdict.miss:.0f} % off. {measure.missed}\n"
                )


def machine(busy: float) -> str:
    """Processor, system, versions, and the per cent of the processor that others used before."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    use = f"{busy:.0f} % of them in use by other programs when the run began"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{_processor()}, {os.cpu_count()} cores, {use}; {_system()}; {python}; {packages}.\n"


def _processor() -> str:
    known = Path("/proc/cpuinfo")  # Linux; elsewhere platform knows more
    lines = known.read_text(encoding="utf-8").splitlines() if known.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return f"{platform.system()} {platform.release()}"
