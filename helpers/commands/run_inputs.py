"""What ``python -m helpers run`` reads from YAML files: deployments, and parameters of lessons."""

import ast
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from helpers.client.errors import ConfigurationError
from helpers.client.routes import RouteName

ADVICE = """\
write a list with an item for each deployment: name, endpoint and, as need be, model, route and
key_variable, which is the name of an environment variable, in capitals, and never a key."""
Content = TypeVar("Content")


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


def check_names(rows: list[Deployment]) -> list[Deployment]:
    """Return ``rows``. Raise ``ValueError`` if two have the same name: each names a folder."""
    if len({row.name.casefold() for row in rows}) < len(rows):
        raise ValueError("two have the same name")
    return rows


Deployments = Annotated[list[Deployment], Field(min_length=1), AfterValidator(check_names)]


def read_deployments(path: Path | None) -> list[Deployment]:
    """Return the rows of an endpoint file; none without. Raise ``ConfigurationError``."""
    return _read(path, TypeAdapter(Deployments), ADVICE) if path else []


def read_parameters(path: Path | None, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the parameters in a file of papermill's format, and those of ``pairs``.

    Raise ``ConfigurationError`` for another file.
    """
    advice = "write a line `name: value` for each parameter."
    parameters = _read(path, TypeAdapter(dict[str, Any]), advice) if path else {}
    for name, text in pairs:
        parameters[name] = text
        with suppress(ValueError, SyntaxError):
            parameters[name] = ast.literal_eval(text)
    return parameters


def _read(path: Path, kind: TypeAdapter[Content], advice: str) -> Content:
    from papermill.iorw import read_yaml_file  # type: ignore[import-untyped]  # takes a second

    try:
        return kind.validate_python(read_yaml_file(str(path)))
    except OSError as reason:
        why = reason.strerror
    except ValidationError as wrong:
        found = wrong.errors(include_input=False)[0]
        why = " ".join([*(f"{part}:" for part in found["loc"]), found["msg"]])
    except Exception as reason:  # its text may repeat a line of the file
        why = f"{type(reason).__name__}, it is no YAML"
    raise ConfigurationError(f"{path} can't be used: {why}.", advice=advice)
