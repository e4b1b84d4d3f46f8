"""What can be asked without a network: the requests of the recording that a client replays."""

from helpers.client.client import ChatCompletionsClient
from helpers.client.messages import JSON
from helpers.recordings.cassette import match_key
from helpers.recordings.replay import ReplayTransport


def recorded_requests(client: ChatCompletionsClient) -> list[JSON] | None:
    """Each request that has a recorded answer, once and in order; None of a live client.

    A request has the ``body`` that was sent as JSON and the ``headers`` that count
    (``extra-parameters``), beside its ``method`` and ``path``. None means that anything can be
    asked; [] that nothing can.
    """
    if not isinstance(client.transport, ReplayTransport):
        return None
    requests = [exchange["request"] for exchange in client.transport.tape["exchanges"]]
    return list({match_key(request): request for request in requests}.values())
