"""Checks of the values of fields: ``fields.json`` says in JSON Schema which ones are right."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from tests.standin.calls import Route
from tests.standin.faults import refuse
from tests.standin.replies import Reply, error, openai_error

_FILE = Path(__file__).with_suffix(".json")
_CONTENT = json.loads(_FILE.read_text(encoding="utf-8"))
NAMES: dict[str, list[str]] = _CONTENT["names"]
SCHEMAS: dict[str, Any] = _CONTENT["$defs"]
VALIDATORS = {
    name: Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": SCHEMAS})
    for name in ("models", "v1", "responses")
}


def first_wrong(name: str, body: Mapping[str, Any]) -> ValidationError | None:
    """Return what is wrong with the first wrong field of ``body``, or None."""
    return next(VALIDATORS[name].iter_errors(body), None)


def place(wrong: ValidationError) -> list[str | int]:
    """Return the keys and indexes that lead to a wrong value, or to one that is missing."""
    missing = [wrong.message.split("'")[1]] if wrong.validator == "required" else []
    return [*wrong.absolute_path, *missing]


def path_of(where: list[str | int]) -> str:
    """Return a place as OpenAI writes it: ``messages[0].role``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return "".join(parts).removeprefix(".")


def check_fields(route: Route, body: Mapping[str, Any]) -> Reply | None:
    """Refuse the first wrong value, in the words of the route."""
    if wrong := first_wrong(route, body):
        return wrong_value(route, place(wrong), wrong.message, wrong.instance)
    return check_json_is_asked_for(body) if route == "v1" else None


def wrong_value(route: Route, where: list[str | int], words: str, value: Any) -> Reply:
    """Return the refusal of a value."""
    if route == "models":
        detail = {"type": "value_error", "loc": ["body", *where], "msg": words, "input": value}
        return error(422, "Invalid input", "invalid input error", status=422, details=[detail])
    path = path_of(where)
    return openai_error(f"Invalid value for '{path}': {words}", "invalid_value", path)


def check_json_is_asked_for(body: Mapping[str, Any]) -> Reply | None:
    """Refuse JSON mode if no message contains the word JSON."""
    if (body.get("response_format") or {}).get("type") != "json_object":
        return None
    return None if "json" in str(body["messages"]).lower() else refuse("json-not-asked-for")
