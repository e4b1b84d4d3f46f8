"""``python -m tests.standin.child``: the stand-in in front of a model, started by a program.

It takes a line of JSON from standard input (``host``, ``port`` and ``no_key``, and ``endpoint``,
``model`` and ``key`` of the upstream server), answers with one (``endpoints`` of the routes,
``key``), and ends with its standard input, so that it never outlives the program that started it.
"""

import json
import signal
import sys

from tests.standin import StandIn
from tests.standin.upstream import Upstream


def main() -> None:
    """Serve until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupted cell must not end it
    settings = json.loads(sys.stdin.readline())
    host, port, no_key = (settings.pop(name) for name in ("host", "port", "no_key"))
    try:
        upstream = Upstream(**settings)
        with StandIn(host=host, port=port, no_key=no_key, upstream=upstream) as server:
            endpoints = {"models": server.models, "v1": server.v1}
            print(json.dumps({"endpoints": endpoints, "key": server.key}), flush=True)
            sys.stdin.read()
    except OSError as trouble:
        raise SystemExit(f"port {port} of {host} can't be used ({trouble.strerror})") from None


if __name__ == "__main__":
    main()
