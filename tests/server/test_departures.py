"""A reader who goes away stops the engine: before the first word, in the middle, and waiting
for one JSON. Over a real connection, as only a real server sees it close."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn

from server.app import create_app
from server.desk import Desk
from server.engines.scripted import Delay, ScriptedEngine
from tests.server.conftest import CHAPTERS, make_desk


@dataclass
class Served:
    desk: Desk
    engine: ScriptedEngine
    client: httpx.Client
    path: str

    def states(self) -> list[str]:
        work = self.path.split("/chapters/")[0]
        return [g["state"] for g in self.client.get(f"{work}/generations").json()]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    engine = ScriptedEngine(tokens_per_second=50)
    desk = make_desk(tmp_path, engine)
    server = uvicorn.Server(uvicorn.Config(create_app(desk), port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_for(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        work = client.post("/api/works", json={"title": "试书"}).json()["id"]
        root = f"/api/works/{work}/chapters"
        for title, text in CHAPTERS.items():
            last = client.post(root, json={"title": title, "text": text}).json()["id"]
        yield Served(desk, engine, client, f"{root}/{last}")
    server.should_exit = True
    thread.join()


def wait_for(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def stopped(served: Served) -> None:
    wait_for(lambda: served.engine.running == 0)
    wait_for(lambda: served.states() == ["cancelled"])
    assert len(served.desk.writer.running) == 0


def test_in_the_middle_of_the_text(served: Served) -> None:
    with served.client.stream("POST", f"{served.path}/continue", json={"length": 2000}) as answer:
        lines = answer.iter_lines()
        assert any("delta" in line for line in lines)
        assert served.engine.running == 1
    stopped(served)


def test_before_the_first_word(served: Served) -> None:
    served.engine._script = iter([Delay(30)])
    with served.client.stream("POST", f"{served.path}/continue", json={}) as answer:
        lines = answer.iter_lines()
        assert any("prompt" in line for line in lines)
        wait_for(lambda: served.engine.running == 1)
    stopped(served)


def test_while_waiting_for_one_json(served: Served) -> None:
    served.engine._script = iter([Delay(30)])
    with pytest.raises(httpx.ReadTimeout):
        served.client.post(f"{served.path}/continue", json={"stream": False}, timeout=1.0)
    stopped(served)
