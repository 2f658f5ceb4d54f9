"""What stands between a browser and the routes: pure ASGI, so that departures stay visible.

Starlette's `BaseHTTPMiddleware` would hide a reader who goes away in mid-stream.
"""

import json
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import YanchiError, as_body
from server.openai.errors import from_yanchi

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

# The page loads nothing from elsewhere and is framed by nobody (in it are reports, which say so
# themselves); FastAPI's own /docs is left
# alone because it brings its scripts along from a public address.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; frame-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "testserver"})


class ForeignOrigin(YanchiError):
    status = 403
    code = "foreign_origin"


class ForeignHost(YanchiError):
    status = 400
    code = "foreign_host"


class KnownHost:
    """Answers to names of this machine only: a page elsewhere cannot reach us through its own
    DNS."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _hostname(scope) not in LOOPBACK:
            told = (
                "请求里的主机名（Host）不是本机的，已拒绝；请用 127.0.0.1 或 localhost 打开书桌。"
            )
            await _refuse(ForeignHost(told), scope["path"], send)
            return
        await self._app(scope, receive, send)


def _hostname(scope: Scope) -> str | None:
    """Without its port; None where there is none that could be read."""
    try:
        return urlsplit(f"//{Headers(scope=scope).get('host', '')}").hostname
    except ValueError:
        return None


class SameOrigin:
    """Refuses changes that a page of another origin asks for, by the `Origin` that browsers
    always send with them; programs send none and pass."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE:
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            if origin is not None and urlsplit(origin).netloc != headers.get("host"):
                told = "这个请求来自别的网页，已拒绝；请从书桌自己的地址打开。"
                await _refuse(ForeignOrigin(told), scope["path"], send)
                return
        await self._app(scope, receive, send)


class SecureHeaders:
    """Headers of every answer; the page's files are asked for anew after an upgrade."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("x-content-type-options", "nosniff")
                headers.setdefault("referrer-policy", "no-referrer")
                headers.setdefault("cache-control", "no-cache")
                if scope["path"] not in ("/docs", "/redoc"):
                    headers.setdefault("content-security-policy", POLICY)
            await send(message)

        await self._app(scope, receive, dressed)


async def _refuse(error: YanchiError, path: str, send: Send) -> None:
    told = from_yanchi(error).body() if path.startswith("/v1/") else as_body(error)
    body = json.dumps(told, ensure_ascii=False).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
