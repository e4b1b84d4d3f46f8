"""A stand-in for the service: a real HTTP server on loopback whose answers are scripted.

It speaks the wire format of both routes; no model is behind it. ``python -m tests.standin`` starts
it by hand, ``with StandIn() as server:`` in a test.
"""

from tests.standin.server import StandIn

__all__ = ["StandIn"]
