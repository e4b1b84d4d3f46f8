"""Adapt requests to models that refuse parameters which their predecessors take.

Only the refusal of a parameter in ``ADAPTABLE`` is acted on; any other one, or that of a value out
of range, stays an error.
"""

import re
from collections.abc import Callable

from helpers.client.error_bodies import read_error
from helpers.client.errors import BadParameterError, ChatError
from helpers.client.messages import JSON

RENAMED = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
"""Sent under the other name first: OpenAI's reasoning models know the second, Mistral's models
the first only."""
ADAPTABLE = (
    *RENAMED,
    *("temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs"),
    *("logit_bias", "stop", "seed", "stream_options", "parallel_tool_calls"),
)
_REFUSED = re.compile(
    r"unsupported|(?:not|n't) (?:\w+ )?(?:support|permit|allow|accept|available|enabled)|"
    r"only \S+ is (?:allowed|supported)|"
    r"un(?:recognized|known|expected) (?:request )?(?:parameter|argument|field|keyword)|"
    r"parameter_not_supported|extra_forbidden|is deprecated",
    re.IGNORECASE,
)


class ParameterAdapter:
    """Which parameters each model refused, and how to send a request without them.

    ``on_change`` is called with a sentence, once for each parameter and model.
    """

    def __init__(self, on_change: Callable[[str], None]) -> None:
        self._on_change = on_change
        self._refused: dict[object, set[str]] = {}

    def adapt(self, body: JSON) -> JSON:
        """Return ``body`` with the parameters that its model refused renamed or left out."""
        refused = self._refused.get(body.get("model"), set())
        names = {name: _name_for(name, refused, body) for name in body}
        return {names[name]: value for name, value in body.items() if names[name]}

    def learn(self, body: JSON, failure: ChatError) -> bool:
        """Return whether ``failure`` refuses a parameter of ``body`` that ``adapt`` now removes."""
        if not isinstance(failure, BadParameterError) or failure.status not in (400, 422):
            return False
        if body.get("extra_parameters") == "error":  # the caller asked to be refused
            return False
        name = _refused_name(body, failure)
        if name is None:
            return False
        refused = self._refused.setdefault(body.get("model"), set())
        for each in (name, "top_logprobs") if name == "logprobs" else (name,):  # it needs logprobs
            if each in body and each not in refused:
                refused.add(each)
                other = _name_for(each, refused, body)
                now = f"is sent as {other}" if other else "is left out"
                self._on_change(f"The model refused {each}: it {now} from now on.")
        return True


def _name_for(name: str, refused: set[str], body: JSON) -> str:
    """Return the name to send a parameter of ``body`` under; "" leaves it out."""
    if name not in refused:
        return name
    other = RENAMED.get(name, "")
    return "" if other in refused or other in body else other


def _refused_name(body: JSON, failure: ChatError) -> str | None:
    if not _REFUSED.search(f"{failure.code} {failure.words}"):
        return None
    sent = [name for name in ADAPTABLE if name in body]
    param = read_error(failure.exchange.response_body).param if failure.exchange else None
    if param is not None:
        # Dotted for a part of it: body.stop, stream_options.include_usage.
        return next((name for name in sent if name in param.split(".")), None)
    # xAI's models write presencePenalty.
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", failure.words).lower()
    found = {name: re.search(rf"(?<![a-z_]){name}(?![a-z_])", words) for name in sent}
    places = {name: place.start() for name, place in found.items() if place}
    return min(places, key=places.__getitem__, default=None)
