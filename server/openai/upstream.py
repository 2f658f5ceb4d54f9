"""The engine in its own protocol: bytes there, bytes back.

httpx parses HTTP in Python, which at some thousand chunks a second is most of the work there is;
aiohttp does it in C.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator

import aiohttp

from server.engines.base import Endpoint
from server.errors import EngineFailed, EngineLost
from server.openai.errors import from_upstream

CONNECT_SECONDS = 10.0
SILENT_SECONDS = 300.0
"""Longest silence that does not count as lost; a long prompt on a CPU is silent for minutes."""
PLAIN = {"content-type": "application/json", "accept-encoding": "identity"}


class Answer(ABC):
    """A success. Closing it before its end cancels the engine's work."""

    content_type: str = "application/json"

    @abstractmethod
    def chunks(self) -> AsyncGenerator[bytes]:
        """Raises YanchiError."""

    async def close(self) -> None:
        """May be called at any time, more than once."""


class Upstream(ABC):
    @abstractmethod
    async def ask(self, path: str, body: bytes, request_id: str) -> Answer:
        """`path` behind /v1. Raises YanchiError, ApiError for what the engine refused."""

    async def stop(self) -> None: ...


class _Response(Answer):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.content_type = response.headers.get("content-type", "application/json")

    async def chunks(self) -> AsyncGenerator[bytes]:
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _lost() from error

    async def close(self) -> None:
        # At its end the connection has gone back already; else it is closed, which cancels.
        self._response.close()


class HttpUpstream(Upstream):
    """One endpoint; keeps its connections."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        key = {"authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
        self._headers = PLAIN | key
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(endpoint.socket), limit=0)
            if endpoint.socket
            else aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENT_SECONDS
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def ask(self, path: str, body: bytes, request_id: str) -> Answer:
        headers = self._headers | {"x-request-id": request_id}
        try:
            response = await self._session.post(
                self.endpoint.url + path, data=body, headers=headers, allow_redirects=False
            )
            if response.status != 200:
                raise from_upstream(response.status, await response.read())
        except aiohttp.InvalidURL as error:
            raise EngineFailed(
                "引擎地址不是 http 或 https 地址，请检查 YANCHI_ENGINE_URL。"
            ) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _lost() from error
        return _Response(response)

    async def stop(self) -> None:
        await self._session.close()


def _lost() -> EngineLost:
    return EngineLost("与引擎的连接断了，请稍候再试。")
