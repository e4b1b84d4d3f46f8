"""``python -m tests.standin``: the stand-in endpoint by hand, for a look at the wire."""

import argparse
import time

from tabulate import tabulate

from helpers.commands.model import add_server_options, shell_lines
from helpers.local_model import variables
from tests.standin import StandIn
from tests.standin.faults import FAULTS

MODEL = "stand-in-chat"
WELCOME = """\
The stand-in endpoint is running. No model is behind it: its answers are scripts.

In the terminal where you start JupyterLab, set these, for the models route:
{models}
or these, for the v1 route:
{v1}
Then run a lesson. Other models, such as stand-in-reasoning, are in tests/standin/deployments.py.
To see it fail, ask "fault: rate-limited" on this machine (--faults lists all names). To see it fail
for everyone, ask "fault for all: rate-limited", and "fault for all: none" to end that.
Press Ctrl-C here to stop."""


def fault_table() -> str:
    """Return all faults as a table."""
    rows = [(fault.name, fault.status, fault.about) for fault in FAULTS.values()]
    return tabulate(rows, ["fault", "status", "what happens"], colalign=("left", "left", "left"))


def main() -> None:
    """Read the options and serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.standin", description=__doc__)
    add_server_options(parser)
    parser.add_argument("--faults", action="store_true", help="list the faults, and end")
    options = parser.parse_args()
    if options.faults:
        print(fault_table())
        return
    try:
        serve(options.host, options.port, no_key=options.no_key)
    except OSError as trouble:
        where = f"port {options.port} of {options.host}"
        parser.error(f"{where} cannot be used ({trouble}): choose another, or --port 0")


def serve(host: str, port: int, *, no_key: bool) -> None:
    """Print how to use the stand-in, and serve until Ctrl-C."""
    with StandIn(host=host, port=port, no_key=no_key) as server:
        endpoints = {"models": server.models, "v1": server.v1}
        lines = {n: shell_lines(variables(e, server.key, MODEL)) for n, e in endpoints.items()}
        print(WELCOME.format(**lines), flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            print("Stopped.")


if __name__ == "__main__":
    main()
