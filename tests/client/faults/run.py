"""Every row through every client, in bounded time."""

import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from tests.client.faults.clients import CLIENTS, OURS, Client
from tests.client.faults.row import Outcome, Row
from tests.client.faults.service import Service
from tests.standin import StandIn

WATCHDOG, ENDLESS = 60.0, 8.0
"""Seconds until a row hangs: nothing else takes so long on any machine. An SDK that may be sleeping
for as long as the service asks is left sooner."""
SIDE_BY_SIDE = 32
"""Rows that wait at a time: more of them would be in each other's way."""
Cell = tuple[str, str]
"""The name of a row and of a client."""


def run(rows: Iterable[Row], clients: Iterable[str] | None = None) -> dict[Cell, Outcome]:
    """What comes of each of ``rows`` in each of ``clients`` (None: all)."""
    rows = tuple(rows)
    chosen = [one() for one in CLIENTS if clients is None or one.name in clients]
    with no_proxy(), Service(rows) as service, StandIn(pace=0) as standin:
        cells = [(row, client) for row in rows for client in chosen]
        waiting = sorted((c for c in cells if c[0].slow), key=lambda c: not c[0].endless)
        busy = [cell for cell in cells if not cell[0].slow]
        with ThreadPoolExecutor(SIDE_BY_SIDE) as many, ThreadPoolExecutor(2) as few:
            done: dict[Cell, Future[Outcome]] = {}
            for pool, some in ((many, waiting), (few, busy)):
                for row, client in some:
                    future = pool.submit(watched, row, client, service, standin)
                    done[row.name, client.name] = future
        for client in chosen:
            client.close()
        return {cell: future.result() for cell, future in done.items()}


def watched(row: Row, client: Client, service: Service, standin: StandIn) -> Outcome:
    """What comes of ``row`` within the time that there is for it."""
    place = client.name.replace(" ", "").replace(",", "-")
    endpoint = standin.url if row.fault else service.url(row, place)
    ask = f"fault: {row.fault}" if row.fault else "How salty is the sea?"
    # The stand-in counts how often the same question came: each client's is another.
    messages = [
        {"role": "system", "content": f"{row.name} {place}"},
        {"role": "user", "content": ask},
    ]
    came: list[Outcome] = []

    def work() -> None:
        came.append(client.ask(row, f"{endpoint}/{client.route}", standin.key, messages))

    # A thread that hangs can't be stopped; as a daemon it ends with the program.
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(ENDLESS if row.endless and client.name not in OURS else WATCHDOG)
    outcome = came[0] if came else Outcome(hung=True)
    if row.fault:
        received = list(standin.requests)
        outcome.requests = sum(one.body.get("messages") == messages for one in received)
    else:
        outcome.requests = service.requests(row, place)
    return outcome


@contextmanager
def no_proxy() -> Iterator[None]:
    """Whatever proxy this system names: it is not asked for any host."""
    before = os.environ.get("NO_PROXY")
    os.environ["NO_PROXY"] = "*"
    try:
        yield
    finally:
        if before is None:
            del os.environ["NO_PROXY"]
        else:
            os.environ["NO_PROXY"] = before
