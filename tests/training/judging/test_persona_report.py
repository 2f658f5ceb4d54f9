"""Judging a persona from the command to the page, on a desk in miniature."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from training.commands.evaluate import app
from training.judging.asking import AT_ONCE

SAMPLE = Path(__file__).parents[3] / "data" / "sample" / "script.txt"
CARD = "CARD"
"""What the desk's prompts of the persona begin with."""
ROW = {
    "id": "p", "slug": "tingliu", "name": "嬛嬛", "description": "嬛嬛，二十二岁，住在听柳轩。",
    "personality": "", "scenario": "", "first_message": "", "post_history": "", "system_prompt": "",
    "examples": [], "work_id": None, "chapter_id": None, "offset": None, "character_id": None,
    "adapter": None,
}  # fmt: skip
PLACED = {"id": "q", "slug": "wen", "name": "闻才人", "work_id": "w", "chapter_id": "one"}
BOOK: dict[str, Any] = {
    "/api/health": {"engine": {"model": "small"}},
    "/api/engine": {"kind": "scripted"},
    "/api/personas": [ROW, ROW | PLACED],
    "/api/personas/p/lore": [], "/api/personas/q/lore": [],
    "/api/personas/p/knowledge": {"known": [], "unknown": []},
    "/api/personas/q/knowledge": {
        "known": [],
        "unknown": [{"text": "渡口（守渡人）：罗长庚", "reason": "此时还没有发生"}],
    },
    "/api/works/w/characters": [],
    "/api/works/w/facts": [{"id": "f", "entity": "渡口", "attribute": "守渡人", "value": "罗长庚",
                            "character_id": None}],
    "/api/works/w/chapters": [{"id": "one"}, {"id": "two"}],
    "/api/works/w/chapters/one": {"text": "渡口有个守渡人，姓秦。"},
    "/api/works/w/chapters/two": {"text": "守渡人换成了罗长庚。"},
}  # fmt: skip


class MiniDesk:
    """Answers of the base, by whether it is told who it is; remembers what was asked."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.lost_after: int | None = None

    @property
    def answered(self) -> list[dict[str, Any]]:
        return [body for body in self.bodies if "yanchi" not in body]

    def post(self, body: dict[str, Any]) -> dict[str, Any] | None:
        if self.lost_after is not None and len(self.answered) >= self.lost_after:
            return None
        self.bodies.append(body)
        if "yanchi" in body:
            system = {"role": "system", "content": f"{CARD} {body['yanchi']['retrieval']}"}
            told = {"messages": [system, *body["messages"]], "kept": []}
            return {"choices": [], "yanchi": told}
        knows = body["messages"][0]["content"].startswith(CARD)
        text = "嬛嬛：我叫嬛嬛，坐吧。\n我：谢谢。" if knows else "我是AI，后来罗长庚来了。"
        return {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[MiniDesk]:
    mini = MiniDesk()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(BOOK.get(self.path))

        def do_POST(self) -> None:
            size = int(self.headers["content-length"])
            self._send(mini.post(json.loads(self.rfile.read(size))))

        def _send(self, told: Any) -> None:
            content = json.dumps(told).encode()
            self.send_response(404 if told is None else 200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    (tmp_path / "desk.json").write_text(json.dumps({"address": address}), "utf-8")
    yield mini
    server.shutdown()
    server.server_close()
    thread.join()


def call(data_dir: Path, role: str, *words: str) -> Any:
    quick = ("--role", role, "--scenes", "2", "--lines", "2", "--data-dir", str(data_dir))
    return CliRunner().invoke(app, ["persona", str(SAMPLE), *quick, *words, "--json"])


def judged(data_dir: Path, role: str) -> dict[str, Any]:
    result = call(data_dir, role)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)["report"]
    report: dict[str, Any] = json.loads(Path(told).read_text("utf-8"))
    return report


def mean(report: dict[str, Any], code: str, side: str) -> float | None:
    cells = next(each["cells"] for each in report["measures"] if each["code"] == code)
    return None if cells[side] is None else cells[side]["value"]["mean"]


def test_every_side_is_measured_and_a_run_goes_on_where_it_stopped(
    tmp_path: Path, desk: MiniDesk
) -> None:
    desk.lost_after = 10
    assert call(tmp_path, "嬛嬛").exit_code == 1
    desk.lost_after = None
    report = judged(tmp_path, "嬛嬛")
    asked = report["subject"]["lines"] + len(report["asked"])
    again = len(desk.answered) - 3 * asked
    assert 0 <= again <= AT_ONCE, "only what was under way when the desk was lost is asked again"
    assert report["sides"] == ["base", "card", "card+retrieval"]
    assert any("没有给适配器" in each for each in report["missing"])
    assert {body["yanchi"]["retrieval"] for body in desk.bodies if "yanchi" in body} == {
        True,
        False,
    }
    assert (mean(report, "character", "base"), mean(report, "character", "card")) == (0, 1)
    assert mean(report, "contradicts", "card") == 0
    assert mean(report, "leaks", "base") is None, "no work: no cell, not nought"
    assert {each["answers"]["card"] for each in report["examples"]} == {"我叫嬛嬛，坐吧。"}
    for code in ("distance", "likeness", "speaker"):
        cells = next(each["cells"] for each in report["measures"] if each["code"] == code)
        assert {*cells} == {"base", "card", "card+retrieval", "reference", "other"}
        assert all(cell["groups"] == 2 for side, cell in cells.items() if side != "other")
    page = (tmp_path / "reports" / "persona-tingliu" / "report.html").read_text("utf-8")
    assert "人物评测：嬛嬛" in page
    assert "<script" not in page


@pytest.mark.usefixtures("desk")
def test_a_persona_with_a_place_is_asked_for_what_comes_later(tmp_path: Path) -> None:
    report = judged(tmp_path, "闻才人")
    assert report["subject"]["slug"] == "wen"
    (fact,) = [each for each in report["asked"] if each["id"] == "later:fact-1"]
    assert fact["holds"] == "渡口（守渡人）：罗长庚"
    assert "罗长庚" not in fact["question"]
    assert (mean(report, "leaks", "base"), mean(report, "leaks", "card")) == (1, 0)


def test_what_is_wrong_is_said(tmp_path: Path, desk: MiniDesk) -> None:
    assert "没有“丁一”的台词" in call(tmp_path, "丁一").output
    assert "书桌上没有人物“青穗”" in call(tmp_path, "青穗").output
    assert "没有人物“nobody”" in call(tmp_path, "嬛嬛", "--persona", "nobody").output
    (tmp_path / "desk.json").unlink()
    assert "没有开着的书桌" in call(tmp_path, "嬛嬛").output
    assert desk.bodies == []
