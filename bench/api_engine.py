"""An engine in OpenAI's protocol that emits the scripted engine's text at an even pace, one token
an event: `python -m bench.api_engine RATE` prints its port and serves until it is ended.

By hand on bare connections, so that what is measured is what stands before it.
"""

import asyncio
import json
import sys

from retrieval.types import Message
from server.engines.base import EngineRequest
from server.engines.scripted import ScriptedEngine

MODEL = "scripted"
EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


async def frames(tokens: int) -> list[bytes]:
    """What each token is on the wire."""
    request = EngineRequest((Message("user", "雨"),), tokens)
    text = "".join([piece.text async for piece in ScriptedEngine().stream(request)])
    return [_frame(_chunk({"content": token}, None)) for token in text]


def _chunk(delta: dict[str, str], reason: str | None) -> bytes:
    told = {
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": reason}],
    }  # fmt: skip
    return b"data: " + json.dumps(told, ensure_ascii=False).encode() + b"\n\n"


def _frame(event: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(event), event)


class Engine:
    def __init__(self, rate: float) -> None:
        self._pause = 1 / rate
        self._made: dict[int, list[bytes]] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
                     if line.startswith(b"content-length:")), 0,
                )  # fmt: skip
                body = await reader.readexactly(length)
                await (self._stream(writer, body) if body else self._models(writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _models(self, writer: asyncio.StreamWriter) -> None:
        body = json.dumps({"data": [{"id": MODEL, "max_model_len": 8192}]}).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % len(body) + body)
        await writer.drain()

    async def _stream(self, writer: asyncio.StreamWriter, body: bytes) -> None:
        told = json.loads(body)
        tokens = int(told.get("max_tokens") or 16)
        if tokens not in self._made:
            self._made[tokens] = await frames(tokens)
        loop = asyncio.get_running_loop()
        writer.write(EVENTS)
        began = loop.time()
        for number, frame in enumerate(self._made[tokens], start=1):
            # By the clock, not by the last token: a late one delays no other.
            await asyncio.sleep(began + number * self._pause - loop.time())
            if writer.is_closing():
                return
            writer.write(frame)
        writer.write(_frame(_chunk({}, "length")))
        if (told.get("stream_options") or {}).get("include_usage"):
            usage = {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": tokens + 1}
            last = json.dumps({"id": "chatcmpl-1", "choices": [], "usage": usage})
            writer.write(_frame(b"data: " + last.encode() + b"\n\n"))
        writer.write(_frame(b"data: [DONE]\n\n") + b"0\r\n\r\n")
        await writer.drain()


async def main(rate: float) -> None:
    server = await asyncio.start_server(Engine(rate).serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(float(sys.argv[1])))
