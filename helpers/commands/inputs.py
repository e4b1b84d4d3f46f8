"""What ``python -m helpers run`` reads from files: deployments, and parameters of lessons."""

import ast
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from helpers.client.errors import ConfigurationError
from helpers.client.routes import RouteName

ADVICE = (
    "write a [[deployment]] (TOML), or an item of the list `deployment` (YAML), for each, with "
)
ADVICE += (
    "name, endpoint and, as need be, model, route and key_variable: the name of an environment "
)
ADVICE += "variable, in capitals, never a key."


class Deployment(BaseModel):
    """A row of the table.

    ``key_variable`` names the environment variable that holds the key. Without it Entra ID signs
    in, which a server on this machine does not need.
    """

    # A key may stand where it should not: no error shows a value.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    name: str = Field(pattern=r"^\w[\w.-]*$")
    endpoint: str = Field(min_length=1)
    model: str = ""
    key_variable: str = Field("", pattern=r"^([A-Z_][A-Z0-9_]*)?$")
    route: RouteName | None = None

    @property
    def settings(self) -> dict[str, str]:
        """The environment variables of a run, but for the key."""
        return {
            "TUTORIAL_MODE": "live",
            "TUTORIAL_ROUTE": self.route or "",
            "AZURE_INFERENCE_ENDPOINT": self.endpoint,
            "AZURE_INFERENCE_MODEL": self.model,
        }


def read_deployments(path: Path) -> list[Deployment]:
    """Return the rows of a TOML or YAML file: a list named ``deployment``.

    Raise ``ConfigurationError`` for another file, and for names that are not unique.
    """
    try:
        rows = [Deployment.model_validate(row) for row in _read(path)["deployment"]]
    except ValidationError as wrong:
        found = wrong.errors(include_input=False)[0]
        raise _refused(
            path, f"{'.'.join(map(str, found['loc']))}: {found['msg']}", ADVICE
        ) from None
    except (LookupError, TypeError):
        raise _refused(path, "it holds no list named deployment", ADVICE) from None
    if not rows or len({row.name.casefold() for row in rows}) < len(rows):
        raise _refused(path, "each deployment needs a name of its own", ADVICE)
    return rows


def read_parameters(path: Path | None, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the parameters in a YAML file, as papermill reads it, and those of ``pairs``."""
    parameters = _read(path) if path else {}
    if not isinstance(parameters, dict):
        raise _refused(path, "it holds no names", "write a line `name: value` for each parameter.")
    return parameters | {name: _value(text) for name, text in pairs}


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _read(path: Path) -> Any:
    from papermill.iorw import read_yaml_file  # type: ignore[import-untyped]  # takes a second

    try:
        if path.suffix == ".toml":
            return tomllib.loads(path.read_text(encoding="utf-8"))
        return read_yaml_file(str(path))
    except OSError as reason:
        raise _refused(path, reason.strerror) from None
    except Exception as reason:  # its text may repeat a line of the file
        raise _refused(path, f"{type(reason).__name__}, it is no TOML or YAML") from None


def _refused(path: Path | None, why: Any, advice: str = "name another file.") -> ConfigurationError:
    return ConfigurationError(f"{path} can't be used: {why}.", advice=advice)
