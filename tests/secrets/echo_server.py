"""A server that repeats the credential that it gets, wherever an answer has room for it.

The message ``echo: REPLY / FORM`` asks for the reply of that name with the credential in that form.
"""

import base64
import gzip
import json
import socketserver
import threading
from collections.abc import Callable
from contextlib import suppress
from http.client import parse_headers
from socket import MSG_PEEK
from typing import Any, Self

from tests.client.faults.wire import LAST, Reply, chunked, completion, event, head, update, whole

FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "URL": lambda s: "".join(f"%{ord(c):02X}" for c in s),
    "JSON": lambda s: "".join(f"\\u{ord(c):04x}" for c in s),
    "half JSON": lambda s: "".join(c if i % 2 else f"\\u{ord(c):04X}" for i, c in enumerate(s)),
    "JSON in JSON": lambda s: "".join(f"\\\\u{ord(c):04x}" for c in s),
}
"""Ways to write a text in a JSON string."""


def filled(value: Any, form: str) -> bytes:
    """Return ``value`` as JSON, with ``form`` in place of SECRET."""
    return json.dumps(value).replace("SECRET", form).encode()


ERROR = {"error": {"code": "SECRET", "message": "Wrong key: SECRET.", "SECRET": [{"SECRET": 1}]}}
_INNER = json.dumps({"detail": [{"loc": ["body"], "msg": "SECRET"}]})
NESTED = {"error": {"message": _INNER, "details": json.dumps({"message": _INNER})}}
_CALL = {"id": "SECRET", "type": "function", "function": {"name": "f", "arguments": '["SECRET"]'}}
ANSWER = completion("Is SECRET a key?", tool_calls=[_CALL], reasoning_content="SECRET", SECRET=1)
ANSWER["choices"][0] |= {"content_filter_results": {"SECRET": 1}}
ANSWER |= {"id": "SECRET", "model": "SECRET", "SECRET": {"SECRET": "SECRET"}}
UPDATE = update({"content": "Is SECRET a key?", "tool_calls": [_CALL]}, "stop", SECRET="SECRET")


def streamed(*data: bytes, end: Reply = (LAST,)) -> Reply:
    """Return a stream with a good update and then ``data``, an event each."""
    return chunked(event(update({"content": "Well. "})), *map(event, data), end=end)


def everywhere(form: str) -> Reply:
    """Return the head of an error with ``form`` in all its parts, and no body."""
    names = ("x-request-id", "apim-request-id", "x-ms-error-code", "retry-after", "retry-after-ms",
             "x-ratelimit-remaining-requests", "www-authenticate", "set-cookie", "location",
             "server", "x-answered-by", "x-provoked", "x-other")  # fmt: skip
    lines = [f"HTTP/1.1 429 {form}", *(f"{name}: {form}" for name in names)]
    return ("\r\n".join([*lines, f"content-type: a/b; charset={form}", "", ""]).encode(),)


def garbled(line: str) -> Reply:
    return (f"HTTP/1.1 200 OK\r\n{line}\r\n\r\n".encode(),)


def bytewise(body: bytes) -> Reply:
    return chunked(*(bytes([byte]) for byte in body))


ERRORS: dict[str, Callable[[str], Reply]] = {
    "error": lambda s: whole(filled(ERROR, s), 401),
    "error, 503": lambda s: whole(filled(ERROR, s), 503, Retry_After="0"),
    "error, flat": lambda s: whole(filled({"statusCode": "SECRET", "message": "SECRET"}, s), 400),
    "error, nested": lambda s: whole(filled(NESTED, s), 422),
    "error, cut": lambda s: whole(filled(ERROR, s)[:-2], 422),
    "error, text": lambda s: whole(f"Wrong key: {s}".encode(), 404, "text/plain"),
    "error, HTML": lambda s: whole(f"<html><title>{s}</title>{s}".encode(), 502, "text/html"),
    "error, gzip": lambda s: (head(401, Content_Encoding="gzip") + gzip.compress(s.encode()),),
    "error, head": everywhere,
    "redirect": lambda s: whole(s.encode(), 307, Location=f"/models?key={s}"),
    "not HTTP": lambda s: (f"SSH-2.0-{s}\r\n\r\n".encode(),),
    "header": lambda s: garbled(f"x y: {s}"),
    "header without name": garbled,
    "length": lambda s: garbled(f"content-length: {s}"),
    "lengths": lambda s: garbled(f"content-length: 1\r\ncontent-length: {s}"),
    "coding": lambda s: garbled(f"transfer-encoding: {s}"),
    "not gzip": lambda s: (head(200, Content_Encoding="gzip") + s.encode(),),
    "chunk size": lambda s: (head(200, Transfer_Encoding="chunked"), f"{s}\r\n".encode()),
    "cut": lambda s: (head(200, Content_Length="99999") + s.encode(),),
    "text": lambda s: whole(s.encode(), 200, "text/plain"),
    "page": lambda s: whole(f"<title>{s}</title>".encode(), 200, "text/html"),
    "no choices": lambda s: whole(filled({"SECRET": "SECRET", "error": "SECRET"}, s)),
    "stream, error": lambda s: streamed(filled(ERROR, s)),
    "stream, nested": lambda s: streamed(filled(NESTED, s)),
    "stream, error event": lambda s: chunked(event(filled(ERROR, s), name="error")),
    "stream, error bytewise": lambda s: bytewise(event(filled(ERROR, s))),
    "stream, name": lambda s: chunked(event(s.encode(), name=s)),
    "stream, no JSON": lambda s: streamed(s.encode()),
    "stream, comment": lambda s: chunked(f": {s}\nid: {s}\nretry: {s}\n\n".encode()),
    "stream, chunk size": lambda s: streamed(end=(f"{s}\r\n".encode(),)),
    "stream, trailer": lambda s: chunked(end=(b"0\r\n", f"x y: {s}\r\n\r\n".encode())),
}  # fmt: skip
"""Failures, which must not show the credential anywhere."""
ANSWERS: dict[str, Callable[[str], Reply]] = {
    "answer": lambda s: whole(filled(ANSWER, s), X_Request_Id=s),
    "stream": lambda s: streamed(filled(UPDATE, s), b"[DONE]"),
    "stream, bytewise": lambda s: bytewise(event(filled(UPDATE, s)) + event(b"[DONE]")),
    "stream, cut": lambda s: streamed(filled(update({"content": "Is SECRET"}), s), end=()),
}
"""Answers, which are returned as they were sent, and masked where they are kept."""
REPLIES = ERRORS | ANSWERS


class EchoServer(socketserver.ThreadingTCPServer):
    """Serve in a ``with`` block; ``asked`` are path and reply of each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(socketserver.StreamRequestHandler):
    server: EchoServer

    def handle(self) -> None:
        if self.connection.recv(1, MSG_PEEK) == b"\x16":
            return  # the first byte of a TLS handshake
        method, target, _ = self.rfile.readline().decode().split(" ")
        headers = parse_headers(self.rfile)
        if method == "CONNECT":  # asked as a proxy
            sent = (headers["proxy-authorization"] or "").removeprefix("Basic ")
            self.server.asked.append((target, f"CONNECT {sent}{headers['api-key'] or ''}"))
            phrase = f"{base64.b64decode(sent).decode()} {sent}"
            self.wfile.write(f"HTTP/1.1 407 {phrase}\r\nx-request-id: {sent}\r\n\r\n".encode())
            return
        body = json.loads(self.rfile.read(int(headers["content-length"])))
        sent = headers["api-key"] or headers["authorization"].removeprefix("Bearer ")
        asked = body["messages"][-1]["content"].removeprefix("echo: ")
        name, form, *_ = [*asked.split(" / "), "plain"]
        self.server.asked.append((target, name))
        if name == "silence":
            self.rfile.read()  # until the client gives up
            return
        with suppress(ConnectionError):  # a client need not listen to the end
            for step in REPLIES[name](FORMS[form](sent)):
                if isinstance(step, bytes):
                    self.wfile.write(step)
