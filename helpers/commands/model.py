"""Run the small model on this machine until Ctrl-C: ``python -m helpers model``."""

import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tqdm import tqdm  # type: ignore[import-untyped]

from helpers.client.routes import RouteName
from helpers.commands.notebooks import environment
from helpers.local_model import (
    DOWNLOAD_BYTES,
    LOOPBACK,
    MODEL,
    LocalModelError,
    LocalModelService,
    install,
    is_installed,
)

DEFAULT_PORT = 8765
HOW_TO_USE = f"""\
{MODEL} is running on this machine. It writes fluently and knows little.

In the terminal where you start JupyterLab or `python -m helpers run`, set:
{{variables}}
The article's route is {{models}}, with the same settings otherwise.
The model's own server, which checks nothing: {{endpoint}}, key {{key}} (new at each start).
Press Ctrl-C here to stop.
"""


def port_number(text: str) -> int:
    """Return the number of a port, for argparse."""
    if not 0 <= int(text) <= 65535:
        raise ArgumentTypeError(f"there is no port {text}: it is a number from 0 to 65535")
    return int(text)


def add_server_options(parser: ArgumentParser) -> None:
    """Add the options that say where to listen, and whether a key is needed."""
    add = parser.add_argument
    add("--port", type=port_number, default=DEFAULT_PORT, help="%(default)s; 0: any free port")
    where = "the address of this machine to listen at (%(default)s: for this machine only)"
    add("--host", default=LOOPBACK, metavar="ADDRESS", help=where)
    add("--no-key", action="store_true", help="take any key, and none: for a room of readers")


def run_model(port: int, host: str = LOOPBACK, *, no_key: bool = False) -> int:
    """Install the model if need be, start it, say how to use it, and wait; return 0 after Ctrl-C.

    Raise ``LocalModelError`` if that fails, or if a server ends by itself.
    """
    install_model()
    try:
        with LocalModelService(port, host, no_key=no_key) as service:
            variables = shell_lines(service.variables("v1"))
            bare, models = service.server, service.endpoints["models"]
            text = HOW_TO_USE.format(
                variables=variables, models=models, endpoint=bare.endpoint, key=bare.key
            )
            print(text, flush=True)
            while service.is_running and bare.is_running:
                time.sleep(0.5)
    except KeyboardInterrupt:
        print("Stopped.")
        return 0
    raise LocalModelError("A server has ended by itself.", advice="start it again.")


@contextmanager
def model_environment(route: RouteName) -> Iterator[None]:
    """Install and start the model, and point the environment at it until the block ends.

    Raise ``LocalModelError`` if that fails.
    """
    install_model()
    with LocalModelService() as service:
        live = {"TUTORIAL_MODE": "live", "TUTORIAL_ROUTE": ""}  # the endpoint tells the route
        with environment(**live, **service.variables(route)):
            yield


def install_model() -> None:
    """Install the model unless it is there; tell the size first, then show the progress."""
    if is_installed():
        return
    print(f"Downloading {MODEL} and its server, once: {DOWNLOAD_BYTES / 1e6:.0f} MB.")
    with tqdm(total=DOWNLOAD_BYTES, unit="B", unit_scale=True) as bar:
        install(lambda size: bar.update(max(0, min(size, DOWNLOAD_BYTES) - bar.n)))
        bar.update(bar.total - bar.n)


def shell_lines(variables: Mapping[str, str]) -> str:
    """Return the lines that set ``variables``, for two shells."""
    bash = [f'    export {name}="{value}"' for name, value in variables.items()]
    powershell = [f'    $env:{name} = "{value}"' for name, value in variables.items()]
    return "\n".join(["  bash or zsh:", *bash, "  PowerShell:", *powershell])
