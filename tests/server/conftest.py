"""A whole desk on the scripted engine, reached over HTTP without a network."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from retrieval.embed import PassageEmbeddings
from server.app import create_app
from server.desk import Desk, embeddings_for, open_desk
from server.engines.scripted import ScriptedEngine
from server.settings import Settings

CHAPTERS = {
    "第一章　雨夜": "雨下了一夜。沈砚把伞靠在门边，没有进屋。\n屋里的灯亮着，陆眠在等他。",
    "第二章　空砚": "第二天，砚台里的墨干了。陆眠问：“你昨夜去了哪里？”\n沈砚没有回答。",
    "第三章　渡口": "渡口的船只剩一条。老周头蹲在船头抽烟，说水大，不渡。",
}


@dataclass
class Client:
    """The API as a program sees it, with the shortcuts tests want."""

    http: TestClient
    desk: Desk

    def ok(self, method: str, path: str, **how: Any) -> Any:
        answer = self.http.request(method, path, **how)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def refused(self, status: int, code: str, method: str, path: str, **how: Any) -> str:
        """The sentence of a refusal with this status and code."""
        answer = self.http.request(method, path, **how)
        assert answer.status_code == status, answer.text
        error = answer.json()["error"]
        assert error["code"] == code, error
        assert error["message"].endswith("。")
        return str(error["message"])

    def book(self, chapters: dict[str, str] | None = None) -> tuple[str, list[str]]:
        """A work with chapters, indexed; its id and the chapters' ids."""
        work = self.ok("POST", "/api/works", json={"title": "试书"})["id"]
        ids = [
            self.ok("POST", f"/api/works/{work}/chapters", json={"title": t, "text": x})["id"]
            for t, x in (chapters or CHAPTERS).items()
        ]
        assert self.desk.indexer.fresh(work, 100)
        return work, ids


@cache
def embeddings() -> PassageEmbeddings:
    """The shipped model, loaded once for all tests."""
    return embeddings_for(Settings())


def make_desk(folder: Path, engine: Any = None, **settings: Any) -> Desk:
    told = Settings(data_dir=folder, sample=False, **settings)
    return open_desk(told, engine or ScriptedEngine(), prompt_tokens=4000, embeddings=embeddings())


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Client]:
    desk = make_desk(tmp_path / "desk")
    with TestClient(create_app(desk), raise_server_exceptions=False) as http:
        yield Client(http, desk)
