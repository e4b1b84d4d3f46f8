"""``python -m tests.standin``: the stand-in endpoint by hand, for a look at the wire."""

import argparse
import time

from tabulate import tabulate

from helpers.commands.model import port_number, shell_lines
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
To see it fail, ask "fault: rate-limited" (--faults lists all names).
Press Ctrl-C here to stop."""


def settings(endpoint: str, key: str) -> str:
    """Return the lines that point the lessons at ``endpoint``, for two shells."""
    return shell_lines(
        {
            "AZURE_INFERENCE_ENDPOINT": endpoint,
            "AZURE_INFERENCE_CREDENTIAL": key,
            "AZURE_INFERENCE_MODEL": MODEL,
        }
    )


def fault_table() -> str:
    """Return all faults as a table."""
    rows = [(fault.name, fault.status or "none", fault.about) for fault in FAULTS.values()]
    return tabulate(rows, ["fault", "status", "what happens"], colalign=("left", "left", "left"))


def main() -> None:
    """Read the options and serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.standin", description=__doc__)
    parser.add_argument(
        "--port", type=port_number, default=8765, help="where to listen (0: any free port)"
    )
    parser.add_argument("--faults", action="store_true", help="list the faults, and end")
    options = parser.parse_args()
    if options.faults:
        print(fault_table())
        return
    try:
        serve(options.port)
    except OSError as trouble:
        parser.error(f"port {options.port} cannot be used ({trouble}): choose another, or --port 0")


def serve(port: int) -> None:
    """Print how to use the stand-in, and serve until Ctrl-C."""
    with StandIn(port=port) as server:
        models, v1 = settings(server.models, server.key), settings(server.v1, server.key)
        print(WELCOME.format(models=models, v1=v1), flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            print("Stopped.")


if __name__ == "__main__":
    main()
