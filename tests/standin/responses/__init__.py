"""The Responses API of the v1 route: ``/openai/v1/responses``."""
