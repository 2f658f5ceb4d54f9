"""The application on a free loopback port, as the page and as a program see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from server.desk import Desk
from server.engines.scripted import ScriptedEngine, Step


@dataclass
class Served:
    address: str
    desk: Desk
    engine: ScriptedEngine
    http: httpx.Client

    def ok(self, method: str, path: str, **how: Any) -> Any:
        answer = self.http.request(method, path, **how)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def book(self, *chapters: tuple[str, str]) -> tuple[str, list[str]]:
        """A work with these (title, text); its id and the chapters' ids."""
        work = self.ok("POST", "/api/works", json={"title": "试书"})["id"]
        ids = [
            self.ok("POST", f"/api/works/{work}/chapters", json={"title": t, "text": x})["id"]
            for t, x in chapters
        ]
        assert self.desk.indexer.fresh(work, 100)
        return work, ids

    def chapter(self, work: str, chapter: str) -> dict[str, Any]:
        got: dict[str, Any] = self.ok("GET", f"/api/works/{work}/chapters/{chapter}")
        return got


def plays(*script: Sequence[Step], tokens_per_second: float = 2000) -> pytest.MarkDecorator:
    """The engine of one test: what it answers to each request, and how fast."""
    engine = ScriptedEngine(script=script, tokens_per_second=tokens_per_second)
    return pytest.mark.parametrize("engine", [engine], indirect=True, ids=["own"])
