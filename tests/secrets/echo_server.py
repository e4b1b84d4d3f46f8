"""A server that repeats what it was sent: the credential, wherever an answer has room for it.

Real services do so by accident (an error quotes the header that it refuses, a proxy its request).
This one does it on purpose and in every way at once, also in ways that only a hostile one would.
Ask ``parrot: NAME`` for the answer of that name.
"""

import base64
import gzip
import json
import socket
import socketserver
import threading
from collections.abc import Callable
from contextlib import suppress
from http.client import parse_headers
from typing import Any, Self

from tests.client.faults.wire import (
    LAST,
    Reply,
    chunk,
    chunked,
    completion,
    event,
    head,
    update,
    whole,
)

HOST = "127.0.0.1"
Repeat = Callable[[str], Reply]


def escaped(secret: str, every: int = 1) -> str:
    """``secret`` with every nth character as a JSON escape."""
    return "".join(c if i % every else f"\\u{ord(c):04X}" for i, c in enumerate(secret))


def quoted(value: Any, secret: str, text: str) -> bytes:
    """``value`` as JSON, with ``text`` as it is in place of ``secret``."""
    return json.dumps(value).replace(secret, text).encode()


def refused(secret: str) -> Any:
    """The body of an error."""
    return {"error": {"code": secret, "message": f"Wrong key: {secret}.", secret: [{secret: 1}]}}


def nested(secret: str) -> Any:
    """An error with JSON in a string, and in that JSON again."""
    inner = json.dumps({"detail": [{"loc": ["body"], "msg": "SECRET"}]})
    inner = inner.replace("SECRET", escaped(secret))
    return {"error": {"message": inner, "details": json.dumps({"message": inner})}}


def places(secret: str) -> Any:
    """An error whose words are put together from pieces."""
    words = secret.split(".")
    parts = [words[-1][i : i + 5] for i in range(0, len(words[-1]), 5)]
    return {"detail": [{"loc": words, "msg": "Oh"}, {"loc": parts, "msg": secret}]}


def answer(secret: str, text: str) -> Any:
    """A completion; ``text`` stands in the texts, ``secret`` in names and all else."""
    arguments = json.dumps({"name": "TEXT"}).replace("TEXT", text)
    function = {"name": "echo", "arguments": arguments}
    calls = [{"id": secret, "type": "function", "function": function}]
    token = {"token": text, "logprob": -1.0, "top_logprobs": [{"token": text, "logprob": -2.0}]}
    body = completion(text, tool_calls=calls, reasoning_content=text, **{secret: secret})
    body["choices"][0] |= {"logprobs": {"content": [token]}, "finish_reason": secret}
    results = {secret: {"filtered": True, "severity": secret}, "hate": {"error": {"message": text}}}
    return body | {
        "id": secret, "model": secret, secret: {secret: text},
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": results}],
    }  # fmt: skip


def streamed(*values: Any) -> Reply:
    """A stream that begins well and then brings ``values``."""
    return chunked(event(update({"role": "assistant", "content": "Well"})), *map(event, values))


def everywhere(secret: str) -> bytes:
    """The head of an error, with ``secret`` in all its parts; its body is still to come."""
    names = ("x-request-id", "apim-request-id", "x-ms-error-code", "retry-after", "retry-after-ms",
             "x-ratelimit-remaining-requests", "www-authenticate", "set-cookie", "location",
             "server", "x-answered-by", "x-provoked", f"x-{secret}")  # fmt: skip
    lines = [f"HTTP/1.1 429 {secret}", *(f"{name}: {secret}" for name in names)]
    return "\r\n".join([*lines, f"content-type: text/plain; charset={secret}", "", ""]).encode()


def garbled(line: str) -> Reply:
    """Half an answer, with a line that no answer may have."""
    return (f"HTTP/1.1 200 OK\r\n{line}\r\n\r\n".encode(),)


def in_chunks(body: bytes, size: int) -> list[bytes]:
    """``body`` in pieces of ``size`` bytes."""
    return [body[i : i + size] for i in range(0, len(body), size)]


REPLIES: dict[str, Repeat] = {
    "error": lambda s: whole(refused(s), 401),
    "error, 503": lambda s: whole(refused(s), 503, Retry_After="0"),
    "error, six": lambda s: whole({"error": f"{s[:6]}***{s[-6:]}"}, 401),
    "error, flat": lambda s: whole({"statusCode": s, "message": s, "type": s}, 400),
    "error, escaped": lambda s: whole(quoted(refused(s), s, escaped(s)), 403),
    "error, half escaped": lambda s: whole(quoted(refused(s), s, escaped(s, 2)), 422),
    "error, escaped and cut": lambda s: whole(quoted(refused(s), s, escaped(s))[:-2], 422),
    "error, nested": lambda s: whole(nested(s), 422),
    "error, in pieces": lambda s: whole(places(s), 422),
    "error, text": lambda s: whole(f"Wrong key: {s}".encode(), 404, "text/plain"),
    "error, HTML": lambda s: whole(f"<html><title>{s}</title>{s}".encode(), 502, "text/html"),
    "error, head": lambda s: (everywhere(s),),
    "redirect": lambda s: whole(s.encode(), 307, Location=f"/models?key={s}"),
    "not HTTP": lambda s: (f"SSH-2.0-{s}\r\n\r\n".encode(),),
    "header": lambda s: garbled(f"x y: {s}"),
    "header without name": lambda s: garbled(s),
    "length": lambda s: garbled(f"content-length: {s}"),
    "coding": lambda s: garbled(f"transfer-encoding: {s}"),
    "lengths": lambda s: garbled(f"content-length: 1\r\ncontent-length: {s}"),
    "not gzip": lambda s: (head(200, Content_Encoding="gzip") + s.encode(),),
    "gzip": lambda s: (head(401, Content_Encoding="gzip") + gzip.compress(s.encode()),),
    "chunk size": lambda s: (head(200, Transfer_Encoding="chunked"), f"{s}\r\n".encode()),
    "cut": lambda s: (head(200, Content_Length="9999") + s.encode(),),
    "text": lambda s: whole(s.encode(), 200, "text/plain"),
    "page": lambda s: whole(f"<title>{s}</title>".encode(), 200, "text/html"),
    "no choices": lambda s: whole({s: s, "error": s}),
    "answer": lambda s: whole(answer(s, s)),
    "answer, escaped": lambda s: whole(quoted(answer("SECRET", "TEXT"), "TEXT", escaped(s))),
    "answer, arguments escaped": lambda s: whole(answer("SECRET", escaped(s))),
    "stream": lambda s: streamed(
        answer(s, s) | update({"content": s}, "stop"), answer(s, s), b"[DONE]"),
    "stream, escaped": lambda s: streamed(
        quoted(update({"content": "TEXT"}, "stop"), "TEXT", escaped(s)), b"[DONE]"),
    "stream, arguments escaped": lambda s: streamed(
        update(answer("SECRET", escaped(s))["choices"][0]["message"], "stop"), b"[DONE]"),
    "stream, in small chunks": lambda s: chunked(*in_chunks(event(update({"content": s})), 4)),
    "stream, in single bytes": lambda s: chunked(
        *in_chunks(event(quoted(update({"content": "TEXT"}, "stop"), "TEXT", escaped(s, 3))), 1)),
    "stream, pieces of the text": lambda s: streamed(
        *(update({"content": s[i : i + 4]}) for i in range(0, len(s), 4)), b"[DONE]"),
    "stream, pieces of arguments": lambda s: streamed(
        *(update({"tool_calls": [{"index": 0, "function": {"arguments": s[i : i + 4]}}]})
          for i in range(0, len(s), 4)), b"[DONE]"),
    "stream, error": lambda s: streamed(refused(s)),
    "stream, error event": lambda s: chunked(event(refused(s), name="error")),
    "stream, name": lambda s: chunked(event(s.encode(), name=s)),
    "stream, no JSON": lambda s: streamed(s.encode()),
    "stream, nested": lambda s: streamed(nested(s)),
    "stream, comment": lambda s: chunked(f": {s}\nid: {s}\nretry: {s}\n\n".encode()),
    "stream, chunk size": lambda s: (
        head(200, "text/event-stream", Transfer_Encoding="chunked"),
        chunk(event(update({"content": "Well"}))), f"{s}\r\n".encode()),
    "stream, cut": lambda s: chunked(event(update({"content": s})), end=()),
    "stream, trailer": lambda s: chunked(end=(LAST[:-2], f"x y: {s}\r\n\r\n".encode())),
}  # fmt: skip


TLS_RECORD = b"\x16"
"""The first byte of one who wants to speak TLS."""
SILENCE = "silence"
"""Asked for this it says nothing."""


class Parrot(socketserver.ThreadingTCPServer):
    """Serves for as long as the ``with`` block; ``url`` is where."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Handler)
        self.asked: list[tuple[str, str]] = []
        self.url = f"http://{HOST}:{self.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(socketserver.StreamRequestHandler):
    server: Parrot

    def handle(self) -> None:
        if self.connection.recv(1, socket.MSG_PEEK) == TLS_RECORD:
            return
        line = self.rfile.readline().decode()
        headers = parse_headers(self.rfile)
        if line.startswith("CONNECT"):  # it is asked as a proxy
            self.server.asked.append((line.split(" ")[1], "CONNECT"))
            sent = headers["proxy-authorization"].removeprefix("Basic ")
            phrase = base64.b64decode(sent).decode()
            self.wfile.write(
                f"HTTP/1.1 407 {phrase} {sent}\r\nx-request-id: {sent}\r\n\r\n".encode()
            )
            return
        body = json.loads(self.rfile.read(int(headers["content-length"])))
        sent = headers["api-key"] or headers["authorization"].removeprefix("Bearer ")
        _, _, name = body["messages"][-1]["content"].partition("parrot: ")
        self.server.asked.append((line.split(" ")[1], name))
        if name == SILENCE:
            self.rfile.read()  # until the client gives up
            return
        with suppress(ConnectionError):  # a client need not listen to the end
            for step in REPLIES[name](sent):
                if isinstance(step, bytes):
                    self.wfile.write(step)
