"""A desk behind a real server, as other people's programs meet it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import uvicorn
from fastapi import FastAPI

from server.app import create_app
from server.desk import Desk
from server.engines.scripted import ScriptedEngine
from server.engines.vllm import OpenAIEngine
from tests.server.conftest import CHAPTERS, make_desk
from tests.server.v1.endpoint import Engine

SYSTEM = "你只说真话。"


@dataclass
class Served:
    desk: Desk
    engine: Any
    address: str
    http: httpx.Client
    """At the desk's root, without a key."""

    def sdk(self, key: str = "anything", **how: Any) -> openai.OpenAI:
        return openai.OpenAI(
            base_url=f"{self.address}/v1", api_key=key, max_retries=0,
            http_client=httpx.Client(trust_env=False, timeout=60), **how,
        )  # fmt: skip

    def ok(self, method: str, path: str, **how: Any) -> Any:
        answer = self.http.request(method, path, **how)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def book(self, title: str = "试书") -> tuple[str, list[str]]:
        work = self.ok("POST", "/api/works", json={"title": title})["id"]
        ids = [
            self.ok("POST", f"/api/works/{work}/chapters", json={"title": t, "text": x})["id"]
            for t, x in CHAPTERS.items()
        ]
        assert self.desk.indexer.fresh(work, 100)
        return work, ids

    def use(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ok("GET", "/api/keys/use")
        return found


def wait_for(true: Callable[[], Any], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """The address at which the application answers."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def serve(folder: Path, engine: Any) -> Iterator[Served]:
    desk = make_desk(folder / "desk", engine)
    with (
        listening(create_app(desk)) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=60) as http,
    ):
        yield Served(desk, engine, address, http)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serve(tmp_path, ScriptedEngine()) as found:
        yield found


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def passing(engine: Engine, tmp_path: Path) -> Iterator[Served]:
    with (
        listening(engine.app) as address,
        serve(tmp_path, OpenAIEngine(f"{address}/v1")) as served,
    ):
        wait_for(lambda: served.http.get("/api/ready").status_code == 200)
        yield served
