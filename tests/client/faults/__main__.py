"""``python -m tests.client.faults``: run every row, and write the table."""

import logging

from tests.client.faults.row import differences
from tests.client.faults.rows import BY_NAME, ROWS
from tests.client.faults.run import OURS, run
from tests.client.faults.table import PATH, cells, installed, page


def main() -> int:
    """Run, write, and name what our clients get wrong: the exit code is 1 then."""
    logging.disable()
    outcomes = run(ROWS)
    text = page(cells(outcomes), installed())
    PATH.write_text(text, encoding="utf-8", newline="\n")
    print(text.split("\n## ")[0])
    wrong = 0
    for (name, client), outcome in outcomes.items():
        for found in differences(BY_NAME[name], outcome) if client in OURS else ():
            print(f"{client}, {name}: {found}")
            wrong = 1
    return wrong


if __name__ == "__main__":
    raise SystemExit(main())
