"""Measure all there is, and write ``tests/BENCHMARK.md`` and ``images/benchmark.png``.

``python -m tests.benchmark`` takes about five minutes. Let the machine do nothing else meanwhile.
"""

import compileall
from collections.abc import Sequence

import psutil
from tqdm import tqdm  # type: ignore[import-untyped]

from helpers.commands.run import environment
from helpers.lessons import ROOT
from tests.benchmark import picture, results
from tests.benchmark.figures import FULL, TINY
from tests.benchmark.measures import MEASURES, Measure
from tests.benchmark.results import Figures
from tests.benchmark.server import running

PAGE, PICTURE = ROOT / "tests" / "BENCHMARK.md", ROOT / "images" / "benchmark.png"


def main() -> None:
    """Run, and write both files."""
    # What any second run finds; and no process of one candidate is to write what another reads.
    compileall.compile_dir(ROOT / "helpers", quiet=1)
    busy = psutil.cpu_percent(interval=5)
    with environment(PYTHONDONTWRITEBYTECODE=None, NO_PROXY="*"), running() as origin:
        found = measured(MEASURES, origin)
    PICTURE.write_bytes(picture.draw(found))
    PAGE.write_text(results.page(found, results.machine(busy)), encoding="utf-8", newline="\n")
    print(f"Written: {PAGE.relative_to(ROOT)}, {PICTURE.relative_to(ROOT)}.")


def measured(measures: Sequence[Measure], origin: str) -> dict[Measure, Figures]:
    """All figures. In each round every candidate has its turn."""
    found: dict[Measure, Figures] = {}
    total = sum((measure.rounds + 1) * len(measure.candidates) for measure in measures)
    with tqdm(total=total, unit="figure") as bar:
        for measure in measures:
            bar.set_description(measure.name)
            figures: dict[str, list[float]] = {name: [] for name in measure.candidates}
            for number in range(measure.rounds + 1):
                for candidate, of in figures.items():
                    # The first round is a small one, and does not count: it warms the disk.
                    figure = measure.run(candidate, origin, FULL if number else TINY)
                    of += [figure * measure.scale] if number else []
                    bar.update()
            found[measure] = figures
    return found


if __name__ == "__main__":
    main()
