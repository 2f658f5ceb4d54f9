"""A program that plays vLLM for the supervisor's tests: an HTTP server on a unix socket.

It starts processes of its own as vLLM does: one that ignores SIGTERM and one, a grandchild,
in a session of its own. `FAKE_ENGINE` holds start-up switches as JSON: `say` (a line for the
log), `exit` (a status to end with at once), `exit_until` (a file; ends while it is missing,
creating it), `mute` (never answers /health), `deaf` (ignores SIGTERM). The last message of a
request is a switch too: 死 (dies in mid-stream), 病 (turns unhealthy), 错 (an error in
mid-stream), 慢 (never ends); anything else is answered.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

STUBBORN = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
PARENT = (
    "import subprocess,sys,time;"
    f"subprocess.Popen([sys.executable,'-S','-c',{STUBBORN!r}],start_new_session=True);"
    "time.sleep(600)"
)

SWITCHES = json.loads(os.environ.get("FAKE_ENGINE", "{}"))
running = 0
healthy = True


def event(payload: object) -> bytes:
    return f"data: {json.dumps(payload, ensure_ascii=False)}\n\n".encode()


def delta(text: str, reason: str | None = None) -> bytes:
    return event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}]})


def head(kind: str, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode()


async def answer(writer: asyncio.StreamWriter, said: str) -> None:
    global healthy
    writer.write(head("text/event-stream") + delta("从前") + delta("有座山"))
    await writer.drain()
    if said == "死":
        await asyncio.sleep(0.1)
        os.kill(os.getpid(), signal.SIGKILL)
    if said == "病":
        healthy = False
    if said == "错":
        writer.write(event({"error": {"message": "EngineCore died", "code": 500}}))
        writer.write(b"data: [DONE]\n\n")
        return
    while said == "慢":
        await asyncio.sleep(0.02)
        writer.write(delta("山"))
        await writer.drain()
    writer.write(delta("。", "stop"))
    writer.write(event({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5}}))
    writer.write(b"data: [DONE]\n\n")


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    global running
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    path = lines[0].split()[1]
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    running += 1
    try:
        if path == "/health":
            if SWITCHES.get("mute"):
                await asyncio.sleep(600)
            writer.write(head("text/plain", "200 OK" if healthy else "503 Broken"))
        elif path == "/v1/chat/completions":
            await answer(writer, json.loads(body)["messages"][-1]["content"])
        elif path == "/running":
            writer.write(head("text/plain") + str(running - 1).encode())
        else:
            writer.write(head("application/json") + json.dumps({"ok": path}).encode())
        await writer.drain()
    except ConnectionError:
        pass
    finally:
        running -= 1
        writer.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--uds", required=True)
    uds = parser.parse_known_args()[0].uds
    print(SWITCHES.get("say", "INFO [loader.py] Starting to load model tiny..."), flush=True)
    if SWITCHES.get("deaf"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen([sys.executable, "-S", "-c", PARENT])
    if "exit" in SWITCHES:
        sys.exit(SWITCHES["exit"])
    once = Path(SWITCHES.get("exit_until", __file__))
    if not once.exists():
        once.touch()
        sys.exit(1)
    asyncio.run(listen(uds))


async def listen(uds: str) -> None:
    server = await asyncio.start_unix_server(serve, uds)
    await server.serve_forever()


if __name__ == "__main__":
    main()
