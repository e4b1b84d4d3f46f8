"""Lesson 00: the route of an endpoint."""


def route_of(endpoint: str) -> str | None:
    endpoint = endpoint.rstrip("/")
    if endpoint.endswith("/models"):
        return "models"
    return "v1" if endpoint.endswith("/openai/v1") else None
