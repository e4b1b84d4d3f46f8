"""The small model's server with one setting that is wrong: ``WRONG_SETTING=sampling.top_k=40``."""

import json
import os
from typing import Any

from helpers import local_model

right_params = local_model.build_params


def wrong_params(file: str, key: str) -> Any:
    """Return the parameters with the wrong value in them."""
    params = right_params(file, key)
    name, _, value = os.environ["WRONG_SETTING"].partition("=")
    *path, last = name.split(".")
    part = params
    for step in path:
        part = getattr(part, step)
    assert hasattr(part, last)
    setattr(part, last, json.loads(value))
    return params


if __name__ == "__main__":
    local_model.build_params = wrong_params
    local_model.serve()
