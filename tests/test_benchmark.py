"""The benchmark: what it measures with, how it judges, and the result that is committed.

No test looks at how long anything takes: that is what the benchmark is for.
"""

import asyncio
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from itertools import pairwise

import httpx
import pytest
from PIL import Image

from helpers.views.charts import SCALE, WIDTH, Card
from tests.benchmark import candidates, picture, results
from tests.benchmark.__main__ import PAGE, PICTURE, measured
from tests.benchmark.candidates import HTTPX, MESSAGES, OURS, RETIRED, VENDOR, VENDOR_AIOHTTP
from tests.benchmark.figures import EVENT_BYTES, FULL, TINY, Size
from tests.benchmark.measures import MEASURES, Goal, Measure
from tests.benchmark.results import HEADERS, Figures, judged
from tests.benchmark.server import running

EVENTS = 70
NAMES = {measure.name: measure for measure in MEASURES}
ENDS = [(m, name) for m in MEASURES for name in dict.fromkeys((m.candidates[0], m.candidates[-1]))]


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with running() as server:
        yield server


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


def test_all_clients_get_the_same_answer(origin: str) -> None:
    texts = {candidates.calling(name, f"{origin}/1")() for name in (OURS, RETIRED, VENDOR)}

    async def ask(name: str) -> str:
        call, close = candidates.awaiting(name, f"{origin}/1")
        try:
            return await call()
        finally:
            await close()

    names = (OURS, RETIRED, VENDOR, VENDOR_AIOHTTP)
    texts |= {asyncio.run(ask(name)) for name in names}
    assert [text[:24] for text in texts] == ["People speak roughly sev"]


def test_all_clients_get_the_same_stream(origin: str) -> None:
    url = f"{origin}/{EVENTS}"
    names = (OURS, RETIRED, VENDOR, HTTPX)
    texts = ["".join(candidates.streaming(name, url)()) for name in names]
    assert len(set(texts)) == 1
    assert texts[0].count("People speak") == 2  # it begins anew after 46 pieces


def test_a_stream_is_as_long_as_its_path_says(origin: str) -> None:
    url = f"{origin}/{EVENTS}/anything/chat/completions"
    body = {"messages": MESSAGES, "stream": True}
    with httpx.stream("POST", url, json=body, trust_env=False) as response:
        raw = b"".join(response.iter_raw())
    events = raw.removesuffix(b"data: [DONE]\n\n").split(b"\n\n")[:-1]
    assert len(events) == EVENTS
    assert FULL.stream_bytes // EVENT_BYTES * (len(raw) / EVENTS) >= 0.99 * FULL.stream_bytes


@pytest.mark.parametrize(
    ("measure", "candidate"), ENDS, ids=[f"{measure.name}, {name}" for measure, name in ENDS]
)
def test_every_measure_gives_a_figure(measure: Measure, candidate: str, origin: str) -> None:
    figure = measure.run(candidate, origin, TINY)
    assert math.isfinite(figure) and figure > 0


def test_candidates_take_turns_and_the_first_round_does_not_count() -> None:
    runs: list[tuple[str, bool]] = []

    def run(candidate: str, origin: str, size: Size) -> float:
        runs.append((candidate, size is FULL))
        return float(len(runs))

    made = replace(MEASURES[0], rounds=2, candidates=("a", "b"), run=run, scale=10.0)
    assert measured([made], "") == {made: {"a": [30.0, 50.0], "b": [40.0, 60.0]}}
    assert runs == [(name, full) for full in (False, True, True) for name in "ab"]


@pytest.mark.parametrize(
    ("goal", "ratio", "met"),
    [
        (Goal(0.7, ("slow", "fast")), 0.75, False),
        (Goal(0.75, ("slow", "fast")), 0.75, True),
        (Goal(2.0, ("slow", "fast"), at_least=True), 0.375, False),
        (Goal(0.3, ("slow", "fast"), at_least=True), 0.375, True),
        (Goal(3.1), 3.0, True),
        (Goal(2.9), 3.0, False),
    ],
)
def test_a_verdict_is_against_the_best_rival_of_the_same_round(
    goal: Goal, ratio: float, met: bool
) -> None:
    found = {"ours": [3.0, 4.0, 1.0], "slow": [8.0, 8.0, 9.0], "fast": [4.0, 4.0, 4.0]}
    verdict = judged(replace(MEASURES[0], candidates=tuple(found)), found, goal)
    assert (verdict.ratio, verdict.met) == (ratio, met)
    assert verdict.low <= ratio <= verdict.high


def made_up(worst: float) -> dict[Measure, Figures]:
    """Figures by which ours is ``worst`` times each rival."""
    return {
        measure: {
            name: [(worst if name == measure.candidates[0] else 1.0) + 0.01 * n for n in range(3)]
            for name in measure.candidates
        }
        for measure in MEASURES
    }


def test_a_miss_is_explained_and_nothing_else_is() -> None:
    good = results.page(made_up(0.2) | {MEASURES[1]: made_up(9.0)[MEASURES[1]]}, "A machine.\n")
    assert "missed" not in good and not any(measure.missed in good for measure in MEASURES)
    bad = results.page(made_up(1.9), "A machine.\n")
    assert [measure for measure in MEASURES if measure.missed in bad] == list(MEASURES)
    assert (
        "**CPU per plain call**: 1.891 instead of at most 0.7 of the better SDK, 170 % off" in bad
    )


def test_all_figures_of_the_picture_stand_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    text = Card.text

    def spy(card: Card, x: float, y: float, words: str, **how: object) -> None:
        drawn.append(words)
        text(card, x, y, words, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Card, "text", spy)
    found = made_up(1.234)
    png = Image.open(BytesIO(picture.draw(found)))
    assert png.format == "PNG" and png.width == WIDTH * SCALE
    page = results.page(found, "A machine.\n").replace("`", "")
    numbers = re.findall(r"\d[\d.,]*\d|\d", " ".join(drawn))
    assert len(numbers) > 40
    assert [number for number in numbers if number not in page] == []


def rows_of_the_page() -> list[dict[str, str]]:
    """The table that is committed; a measure with two goals has two rows."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|"]
    assert tuple(cells[0]) == HEADERS
    rows = [dict(zip(HEADERS, row, strict=True)) for row in cells[2:]]
    for before, row in pairwise(rows):
        row["measure"] = row["measure"] or before["measure"]
    return rows


def test_the_committed_table_has_every_goal() -> None:
    found = [(row["measure"], row["goal"]) for row in rows_of_the_page()]
    assert found == [(m.name, results.goal_in_words(m, goal)) for m in MEASURES for goal in m.goals]


def test_the_committed_verdicts_follow_from_the_figures() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for row in rows_of_the_page():
        figure, limit = (
            float(row[name].split()[at]) for name, at in (("measured", 0), ("goal", 2))
        )
        low, high = (float(end.split()[0]) for end in row["spread"].split(" to "))
        met = figure >= limit if row["goal"].startswith("at least") else figure <= limit
        assert low <= figure <= high
        assert row[""] == ("met" if met else "**missed**"), row
        assert met or f"**{row['measure']}**: {figure:.3f} instead of {row['goal']}" in page


def test_the_committed_ratios_follow_from_the_medians() -> None:
    """The ratio of two medians always lies between the lowest and the highest ratio of a round."""
    for row in rows_of_the_page():
        measure = NAMES[row["measure"]]
        if row[HEADERS[-1]]:
            values = re.findall(r": ([\d.,]+) \S+ \(", row[HEADERS[-1]])
            medians = [float(value.replace(",", "")) for value in values]
            found = {name: [of] for name, of in zip(measure.candidates, medians, strict=True)}
        goal = next(g for g in measure.goals if results.goal_in_words(measure, g) == row["goal"])
        low, high = (float(end.split()[0]) for end in row["spread"].split(" to "))
        ratio = judged(measure, found, goal).ratio
        assert low * 0.99 <= ratio <= high * 1.01, row  # the medians are rounded


def test_the_committed_picture_is_one_of_these_measures() -> None:
    with Image.open(PICTURE) as png:
        assert png.size == Image.open(BytesIO(picture.draw(made_up(1.0)))).size


def test_the_page_says_what_it_ran_on_and_shows_the_picture() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert "](../images/benchmark.png)" in page
    assert re.search(r"## What it ran on\n\n.+, \d+ cores.*; CPython 3\.\d+\.\d+; ", page)
    assert all(f"{name} " in page for name in results.PACKAGES)


def test_the_machine_is_named_with_what_else_it_did() -> None:
    told = results.machine(12.3)
    assert re.search(
        r", \d+ cores, 12 % of them in use by other programs when the run began; ", told
    )
