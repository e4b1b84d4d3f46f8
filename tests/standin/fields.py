"""Checks of the values of fields: ``fields.json`` says in JSON Schema which ones are right."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from tests.standin.calls import Route
from tests.standin.faults import refuse
from tests.standin.replies import RefusedError, error, openai_error

_CONTENT = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
NAMES: dict[str, list[str]] = _CONTENT["names"]
SCHEMAS: dict[str, Any] = _CONTENT["$defs"]


def first_wrong(
    name: str, body: Mapping[str, Any]
) -> tuple[ValidationError, list[str | int]] | None:
    """Return what is wrong with the first wrong field of ``body``, and where, or None."""
    validator = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": SCHEMAS})
    if (wrong := next(validator.iter_errors(body), None)) is None:
        return None
    missing = [wrong.message.split("'")[1]] if wrong.validator == "required" else []
    return wrong, [*wrong.absolute_path, *missing]


def path_of(where: list[str | int]) -> str:
    """Return a place as OpenAI writes it: ``messages[0].role``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return "".join(parts).removeprefix(".")


def check_fields(route: Route, body: Mapping[str, Any]) -> None:
    """Refuse the first wrong value, in the words of the route."""
    if found := first_wrong(route, body):
        wrong, where = found
        if route == "models":
            detail = {"type": "value_error", "loc": ["body", *where], "msg": wrong.message}
            detail["input"] = wrong.instance
            raise RefusedError(
                error(422, "Invalid input", "invalid input error", status=422, details=[detail])
            )
        path = path_of(where)
        raise openai_error(f"Invalid value for '{path}': {wrong.message}", "invalid_value", path)
    wants_json = (body.get("response_format") or {}).get("type") == "json_object"
    if route == "v1" and wants_json and "json" not in str(body["messages"]).lower():
        raise refuse("json-not-asked-for")
