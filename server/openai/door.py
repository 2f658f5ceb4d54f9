"""What every request below `/v1` passes: its id, its key, its limits, and their headers. Pure ASGI,
so that departures stay visible.
"""

import asyncio
import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.desk import Desk
from server.openai.errors import ApiError, internal
from server.openai.keys import Guest, admit
from server.openai.limits import Limits

log = logging.getLogger(__name__)
_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)


class Door:
    def __init__(self, app: ASGIApp, desk: Desk, limits: Limits) -> None:
        self._app = app
        self._desk = desk
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        told = Headers(scope=scope)
        state = scope.setdefault("state", {})
        state["request_id"] = _id(told.get("x-request-id"))
        limits: dict[str, str] = {}
        begun = False

        async def dressed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = state["request_id"]
                spent = (time.perf_counter() - began) * 1000
                headers["openai-processing-ms"] = str(round(spent))
                for name, value in limits.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            state["guest"] = await asyncio.to_thread(self._admit, told.get("authorization"))
            if scope["method"] == "POST":
                limits |= self._limits.begin(state["guest"])
        except ApiError as error:
            await refused(error)(scope, receive, dressed)
            return
        try:
            await self._app(scope, receive, dressed)
        except ClientDisconnect:
            pass
        except Exception as error:
            # Here, so that this answer has its headers too.
            log.exception("unexpected error in %s", scope["path"], exc_info=error)
            if begun:
                raise
            await refused(internal())(scope, receive, dressed)

    def _admit(self, authorization: str | None) -> Guest:
        with self._desk.database.reading() as session:
            return admit(session, authorization)


def refused(error: ApiError) -> JSONResponse:
    return JSONResponse(error.body(), status_code=error.status, headers=error.headers)


def _id(told: str | None) -> str:
    """The asker's own, if it may stand in a log and a header."""
    return told if told and _ID.fullmatch(told) else f"req_{uuid.uuid4().hex}"
