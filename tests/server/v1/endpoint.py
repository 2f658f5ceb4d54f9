"""An endpoint of OpenAI's protocol that notes what it was asked, byte for byte."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

ODD = '{"id":"1","object":"chat.completion.chunk","created":1,"model":"tiny","choices":[{"index":0,'
STREAM = [
    b": ping\n\n",
    (
        ODD + '"delta":{"role":"assistant","content":"\u2028\u96e8"},"finish_reason":null}]}\n\n'
    ).encode(),
    ("data: " + ODD + '"delta":{"content":"\u96e8"},"finish_reason":"stop"}]}\n\n').encode(),
    b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"tiny","choices":[],'
    b'"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}\n\ndata: [DONE]\n\n',
]
STREAM[1] = b"data: " + STREAM[1]


@dataclass
class Engine:
    app: FastAPI = field(default_factory=FastAPI)
    bodies: list[bytes] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    cut: int = 10**9
    """Where each chunk is cut again, in bytes."""
    endless: bool = False
    broken: bool = False
    open: int = 0

    def __post_init__(self) -> None:
        self.app.get("/v1/models")(self._models)
        self.app.post("/v1/chat/completions")(self._asked)
        self.app.post("/v1/completions")(self._asked)

    async def _models(self) -> dict[str, Any]:
        return {"data": [{"id": "tiny", "max_model_len": 4096}]}

    async def _asked(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        if self.status != 200:
            return JSONResponse(self.answer, self.status)
        if json.loads(self.bodies[-1]).get("stream"):
            return StreamingResponse(self._chunks(), media_type="text/event-stream")
        return JSONResponse(self.answer)

    async def _chunks(self) -> AsyncIterator[bytes]:
        self.open += 1
        try:
            whole = b"".join(STREAM[:2] if self.broken or self.endless else STREAM)
            for start in range(0, len(whole), self.cut):
                yield whole[start : start + self.cut]
                await asyncio.sleep(0)
            if self.broken:
                raise RuntimeError("the engine dies")
            while self.endless:
                await asyncio.sleep(0.02)
                yield STREAM[1]
        finally:
            self.open -= 1


def completion(message: dict[str, Any], reason: str = "stop") -> dict[str, Any]:
    """An answer of one choice."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    return {
        "id": "x", "object": "chat.completion", "created": 1, "model": "tiny",
        "choices": [choice],
    }  # fmt: skip


CALL = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
CALLING = completion({"content": None, "tool_calls": [CALL]}, "tool_calls")
