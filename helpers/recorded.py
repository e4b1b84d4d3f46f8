"""What can be asked without a network: the requests of the recording that a client replays."""

from helpers.cassettes import key_of
from helpers.client import ChatCompletionsClient
from helpers.messages import JSON
from helpers.player import Player


def recorded_requests(client: ChatCompletionsClient) -> list[JSON] | None:
    """Each request that has a recorded answer, once and in order; None of a live client.

    A request has the ``body`` that was sent as JSON and the ``headers`` that count
    (``extra-parameters``), beside its ``method`` and ``path``. None means that anything can be
    asked; [] that nothing can.
    """
    if not isinstance(client.transport, Player):
        return None
    requests = [exchange["request"] for exchange in client.transport.tape["exchanges"]]
    return list({key_of(request): request for request in requests}.values())
