"""The request handler of the Responses API."""

from collections.abc import AsyncGenerator, Iterable

from tests.standin.answers import Answer
from tests.standin.calls import Json
from tests.standin.deployments import find
from tests.standin.families import DATED
from tests.standin.faults import refuse
from tests.standin.handlers import ChatHandler
from tests.standin.responses.request import reply_message, to_chat
from tests.standin.responses.shape import Response
from tests.standin.streams import Event
from tests.standin.upstream import Upstream


class ResponsesHandler(ChatHandler):
    """Answers ``POST .../responses``."""

    def checked(self, model: str, body: Json) -> Json:
        """Return the chat completion that is asked for. Raise ``RefusedError``."""
        self.check_access()
        deployment = find(model)
        if deployment.v1 not in ("gpt", "grok"):
            raise refuse("no-responses")
        return to_chat(body, deployment, self.server.stored)

    def whole(self, answer: Answer) -> Json:
        """Return the response in one part."""
        return self.response(answer).whole()

    def events(self, answer: Answer) -> Iterable[Event]:
        """Return the events of a stream."""
        return self.response(answer).events()

    def response(self, answer: Answer) -> Response:
        """Return the answer as a response, and store it unless the request says otherwise."""
        body = self.received.body
        if answer.is_dated:
            self.set_header("x-ms-served-model", answer.model + DATED)
        response = Response(answer, body)
        if body.get("store") is not False:
            whole = response.whole()
            # The instructions hold for one call only.
            messages = answer.call.messages[1 if body.get("instructions") else 0 :]
            self.server.stored[whole["id"]] = [*messages, reply_message(whole)]
        return response

    async def relayed(self, upstream: Upstream, answer: Answer) -> AsyncGenerator[Event, None]:
        """Yield the events of what the model has written, once it has written all of it."""
        for one in self.events(await upstream.complete(answer)):
            yield one
