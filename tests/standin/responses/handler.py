"""The request handler of the Responses API."""

from collections.abc import Iterable

from tests.standin.answers import Answer
from tests.standin.calls import Call
from tests.standin.deployments import find
from tests.standin.families import DATED
from tests.standin.faults import refuse
from tests.standin.handlers import ChatHandler, first_reply
from tests.standin.replies import Reply
from tests.standin.responses.request import Refused, reply_message, to_chat
from tests.standin.responses.shape import Response
from tests.standin.shapes import Json
from tests.standin.streams import Event
from tests.standin.upstream import Upstream

RESPONSES = "(?:/api/projects/[^/]+)?/openai/v1/responses"
"""The pattern of the paths."""


class ResponsesHandler(ChatHandler):
    """Answers ``POST .../responses``."""

    def checked(self, model: str, body: Json) -> Json | Reply:
        """Return the chat completion that is asked for, or the reply to a wrong request."""
        if refused := first_reply(self.access_checks(model)):
            return refused
        deployment = find(model)
        if deployment.v1 not in ("gpt", "grok"):
            return refuse("no-responses")
        try:
            return to_chat(body, deployment, self.server.stored)
        except Refused as wrong:
            return wrong.reply

    def whole(self, answer: Answer) -> Json:
        """Return the response in one part."""
        return self.response(answer).whole()

    def events(self, answer: Answer) -> Iterable[Event]:
        """Return the events of a stream."""
        return self.response(answer).events()

    def response(self, answer: Answer) -> Response:
        """Return the answer as a response, and store it unless the request says otherwise."""
        body = self.received.body
        if answer.dated:
            self.set_header("x-ms-served-model", answer.model + DATED)
        response = Response(answer, body)
        if body.get("store") is not False:
            whole = response.whole()
            # The instructions hold for one call only.
            messages = self.call.messages[1 if body.get("instructions") else 0 :]
            self.server.stored[whole["id"]] = [*messages, reply_message(whole)]
        return response

    async def relay_stream(self, upstream: Upstream, call: Call, answer: Answer) -> None:
        """Stream what the model has written, once it has written all of it."""
        await self.stream(await upstream.complete(call, answer), None)
