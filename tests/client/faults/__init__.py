"""The fault matrix: what real services do wrong, one row each, over real sockets.

Every row goes through both of our clients and two SDKs. ``rows`` says what the service does and
what should come of it, ``service`` does it, ``clients`` ask, ``run`` runs and judges, and
``python -m tests.client.faults`` writes what came of it to ``tests/FAULTS.md``.
"""
