"""How fast and how small the clients are, against the two SDKs: ``python -m tests.benchmark``."""
