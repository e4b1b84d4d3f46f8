"""The deployments of the stand-in: which family of models answers, and what it refuses.

A request chooses one by its model's name. Where the families are known from: recordings of the
live service (gpt, grok, kimi), of other hosts (oss), of serverless endpoints of January 2025
(mistral).
"""

from dataclasses import dataclass
from typing import Literal

from tests.standin.calls import Route

Family = Literal["gpt", "grok", "kimi", "oss", "mistral"]


@dataclass(frozen=True)
class Deployment:
    """One deployment. ``models`` and ``v1`` are the families that answer on the two routes.

    ``reasons``: the model thinks before it answers. ``think_tags``: the thinking is a part of the
    text, between two tags. ``strict``: the model refuses every field that the specification of the
    models route lacks. ``fixed``: OpenAI's reasoning models, which refuse parameters of sampling.
    ``effort_and_tools``: False refuses tools beside ``reasoning_effort``. ``plain``: no JSON.
    ``gone``: the model is retired.
    """

    models: Family = "grok"
    v1: Family = "gpt"
    reasons: bool = False
    think_tags: bool = False
    strict: bool = False
    fixed: bool = False
    effort_and_tools: bool = True
    plain: bool = False
    gone: bool = False

    def family(self, route: Route) -> Family:
        """Return the family that answers on ``route``."""
        return self.models if route == "models" else self.v1


DEFAULT = Deployment()
DEPLOYMENTS = {
    "stand-in-chat": DEFAULT,
    "stand-in-plain": Deployment(plain=True),
    "stand-in-reasoning": Deployment("gpt", reasons=True, fixed=True),
    "stand-in-reasoning-no-tools": Deployment(
        "gpt", reasons=True, fixed=True, effort_and_tools=False
    ),
    "stand-in-grok-reasoning": Deployment(v1="grok", reasons=True),
    "stand-in-kimi": Deployment("kimi", "kimi", reasons=True),
    "stand-in-oss": Deployment("oss", "oss", reasons=True),
    "stand-in-mistral": Deployment("mistral", "mistral", strict=True),
    "stand-in-mistral-reasoning": Deployment("mistral", "mistral", strict=True, reasons=True),
    "stand-in-think-tags": Deployment("mistral", "mistral", reasons=True, think_tags=True),
    "stand-in-gone": Deployment(gone=True),
}


def find(model: str) -> Deployment:
    """Return the deployment ``model``; what a server behind the stand-in answers is the default."""
    return DEPLOYMENTS.get(model, DEFAULT)
