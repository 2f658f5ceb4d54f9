"""An OpenAI-compatible engine in miniature, over a mock transport or on a real port."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from training.served.client import Client, Endpoint

Says = Callable[[dict[str, Any]], str | httpx.Response]
"""What is answered to a request's body."""


def said(body: dict[str, Any]) -> str:
    """The last words of a request."""
    return str(body["messages"][-1]["content"])


class Peer:
    """Remembers what it was asked; `vllm` says whether it has `/version`."""

    def __init__(self, says: Says, *, vllm: bool = False) -> None:
        self.says, self.vllm = says, vllm
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[httpx.Headers] = []
        self._lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/version":
            return httpx.Response(200 if self.vllm else 404, json={"version": "1"})
        if request.url.path == "/v1/models":
            return httpx.Response(200, json={"data": [{"id": "first"}, {"id": "second"}]})
        assert request.url.path == "/v1/chat/completions", request.url.path
        body = json.loads(request.content)
        with self._lock:
            self.bodies.append(body)
            self.headers.append(request.headers)
        answer = self.says(body)
        return answer if isinstance(answer, httpx.Response) else reply(answer)

    def client(self, **more: Any) -> Client:
        endpoint = Endpoint("http://127.0.0.1/v1", more.pop("model", "m"), more.pop("key", ""))
        return Client(endpoint, pause=0, transport=httpx.MockTransport(self), **more)


def reply(text: str, finish_reason: str = "stop") -> httpx.Response:
    choice = {"message": {"content": text}, "finish_reason": finish_reason}
    return httpx.Response(200, json={"choices": [choice]})


@contextmanager
def listening(peer: Peer) -> Iterator[str]:
    """The peer on a port of this machine; its base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length", 0)))
            url = f"http://127.0.0.1{self.path}"
            answer = peer(httpx.Request(self.command, url, content=content))
            self.send_response(answer.status_code)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = _answer  # noqa: N815  the names that http.server calls

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
