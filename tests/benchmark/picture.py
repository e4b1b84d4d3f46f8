"""The figures as bars. All that is drawn stands in the table too."""

from collections.abc import Mapping
from statistics import median

from helpers.views.charts import ARRIVED, GRID, INK, MUTED, WHITE, WIDTH, Card
from tests.benchmark.measures import Measure
from tests.benchmark.results import Figures, best_rival, goal_in_words, judged, shown

LEFT, RIGHT = 180, WIDTH - 120
TITLE, BAR, GAP = 40, 19, 14


def draw(results: Mapping[Measure, Figures]) -> bytes:
    """A PNG: for each measure a bar per candidate, ours first, and a line at each goal."""
    bars = sum(len(figures) for figures in results.values())
    heads = sum(TITLE + 15 * (len(measure.goals) - 1) + GAP for measure in results)
    card = Card(54 + heads + bars * BAR + 10)
    card.text(20, 18, "Our client against the two SDKs", size=15)
    _mark(card, RIGHT + 10, 20)
    card.text(RIGHT + 18, 21, "goal", size=11, fill=MUTED)
    y = 54.0
    for measure, figures in results.items():
        y = _group(card, y, measure, figures) + GAP
    return card.png()


def _group(card: Card, top: float, measure: Measure, figures: Figures) -> float:
    card.text(20, top, measure.name, size=13)
    goals: list[float] = []
    y = top + 19
    for goal in measure.goals:
        verdict = judged(measure, figures, goal)
        unit = "" if goal.rivals else f" {measure.unit}"
        words = f"{goal_in_words(measure, goal).replace('`', '')}: {verdict.ratio:.3f}{unit}, "
        card.text(20, y, words + ("met" if verdict.met else "missed"), size=11, fill=MUTED)
        y += 15
        base = median(figures[best_rival(goal, figures)]) if goal.rivals else 1.0
        goals.append(goal.limit * base)
    y += TITLE - 34
    highest = max([*goals, *(median(of) for of in figures.values())])

    def x(figure: float) -> float:
        return LEFT + (RIGHT - LEFT) * figure / highest

    first = y
    for candidate, of in figures.items():
        ours = candidate == measure.candidates[0]
        name = card.fit(candidate.replace("`", ""), LEFT - 40, size=11)
        card.text(32, y + 1, name, size=11)
        card.box(LEFT, y, x(median(of)), y + 13, fill=ARRIVED if ours else GRID, outline=MUTED)
        card.text(RIGHT + 10, y + 1, f"{shown(median(of))} {measure.unit}", size=11)
        y += BAR
    for goal in goals:
        _mark(card, x(goal), first - 2)
    return y


def _mark(card: Card, x: float, y: float) -> None:
    """A line that is seen on a dark bar and on the card."""
    card.box(x - 1.5, y - 1, x + 1.5, y + 18, fill=WHITE)
    card.box(x - 0.5, y - 1, x + 0.5, y + 18, fill=INK)
