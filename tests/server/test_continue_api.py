"""Continuing a chapter on the scripted engine: events, refusals, the log, acceptance."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from server.app import create_app
from server.engines.scripted import Fail, ScriptedEngine, Text
from server.errors import EngineLost
from tests.server.conftest import Client, make_desk


def events(text: str) -> list[tuple[str, Any]]:
    """Parse a whole server-sent event stream."""
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def run(api: Client, work: str, chapter: str, **wanted: Any) -> list[tuple[str, Any]]:
    answer = api.http.post(f"/api/works/{work}/chapters/{chapter}/continue", json=wanted)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    return events(answer.text)


def test_a_stream_tells_the_prompt_the_text_and_the_end(api: Client) -> None:
    work, ids = api.book()
    told = run(api, work, ids[2], beat="沈砚要渡河。", length=120)
    assert [name for name, _ in told[:1]] == ["prompt"]
    assert told[-1][0] == "done"
    text = "".join(data["text"] for name, data in told if name == "delta")
    assert text == told[-1][1]["text"]
    assert 0.9 * 120 <= len(text) <= 1.2 * 120 + 40
    prompt = told[0][1]
    assert prompt["tokens"] <= prompt["budget"]
    assert "沈砚要渡河。" in prompt["messages"][1]["content"]
    assert "老周头蹲在船头抽烟" in prompt["messages"][2]["content"]


def test_the_same_as_one_json(api: Client) -> None:
    work, ids = api.book()
    path = f"/api/works/{work}/chapters/{ids[2]}/continue"
    result = api.ok("POST", path, json={"length": 80, "stream": False})
    assert result["text"]
    assert result["finish_reason"] in ("length", "stop")
    assert result["usage"]["prompt_tokens"] == result["prompt"]["tokens"]


def test_context_is_the_prompt_that_would_be_sent(api: Client) -> None:
    work, ids = api.book()
    wanted = {"beat": "陆眠来了。", "length": 100}
    context = api.ok("POST", f"/api/works/{work}/chapters/{ids[2]}/context", json=wanted)
    (_, prompt), *_ = run(api, work, ids[2], **wanted)
    assert {k: prompt[k] for k in context} == context
    assert api.ok("GET", f"/api/works/{work}/generations")[0]["request"]["beat"] == "陆眠来了。"


def test_the_future_and_the_passage_s_own_text_stay_out(api: Client) -> None:
    work, ids = api.book()
    context = api.ok(
        "POST", f"/api/works/{work}/chapters/{ids[1]}/context",
        json={"beat": "渡口 老周头 空砚 雨夜", "offset": 12},
    )  # fmt: skip
    sent = json.dumps(context["messages"], ensure_ascii=False)
    assert "老周头" not in sent.replace("渡口 老周头 空砚 雨夜", "")
    assert "沈砚没有回答" not in sent
    assert "雨下了一夜" in sent


def test_cast_pins_and_exclusions(api: Client) -> None:
    work, ids = api.book()
    root = f"/api/works/{work}/characters"
    shen = api.ok("POST", root, json={"name": "沈砚", "sheet": {"外貌": "左手缺一指。"}})["id"]
    wanted: dict[str, Any] = {"beat": "沈砚开口了。"}
    path = f"/api/works/{work}/chapters/{ids[2]}/context"
    kept = api.ok("POST", path, json=wanted)["kept"]
    assert f"character:{shen}" in [k["id"] for k in kept]
    wanted["excluded"] = [f"character:{shen}"]
    assert "缺一指" not in json.dumps(api.ok("POST", path, json=wanted), ensure_ascii=False)


def test_candidates_are_told_apart(api: Client) -> None:
    work, ids = api.book()
    told = run(api, work, ids[2], candidates=3, length=60)
    done = told[-1][1]
    assert len({c["text"] for c in done["candidates"]}) == 3
    for n, candidate in enumerate(done["candidates"]):
        own = "".join(d["text"] for name, d in told if name == "delta" and d["index"] == n)
        assert own == candidate["text"]


def test_accepting_inserts_the_text_as_a_revision(api: Client) -> None:
    work, ids = api.book()
    path = f"/api/works/{work}/chapters/{ids[0]}"
    before = api.ok("GET", path)["text"]
    done = run(api, work, ids[0], offset=6, length=40)[-1][1]
    verdict = f"/api/works/{work}/generations/{done['generation']}/verdict"
    assert api.ok("POST", verdict, json={"verdict": "accepted"}) == {
        "verdict": "accepted",
        "revision": 2,
    }
    assert api.ok("GET", path)["text"] == before[:6] + done["text"] + before[6:]
    (revision, _) = api.ok("GET", f"{path}/revisions")
    assert revision["origin"] == "accepted"
    assert revision["generation_id"] == done["generation"]
    api.refused(409, "already_accepted", "POST", verdict, json={"verdict": "accepted"})


def test_the_candidate_that_was_taken_is_traceable(api: Client) -> None:
    work, ids = api.book()
    path = f"/api/works/{work}/chapters/{ids[0]}"
    done = run(api, work, ids[0], candidates=3, length=40)[-1][1]
    verdict = f"/api/works/{work}/generations/{done['generation']}/verdict"
    api.ok("POST", verdict, json={"verdict": "accepted", "candidate": 2})
    (revision, first) = api.ok("GET", f"{path}/revisions")
    assert (revision["candidate"], first["candidate"]) == (2, 0)
    taken = done["candidates"][revision["candidate"]]["text"]
    assert taken in api.ok("GET", path)["text"]


def test_accepting_after_the_text_before_changed_is_a_choice_not_a_loss(api: Client) -> None:
    work, ids = api.book()
    done = run(api, work, ids[0], length=40)[-1][1]
    api.ok("PUT", f"/api/works/{work}/chapters/{ids[0]}", json={"text": "全改了。"})
    api.refused(
        409, "text_changed", "POST",
        f"/api/works/{work}/generations/{done['generation']}/verdict",
        json={"verdict": "accepted"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ({"length": 0}, 422, "invalid_request"),
        ({"length": 10**9}, 422, "invalid_request"),
        ({"length": 20_000}, 422, "length_too_large"),
        ({"beat": "长" * 6000}, 422, "prompt_too_large"),
        ({"adapter": "没有的"}, 404, "unknown_adapter"),
        ({"offset": 10**6}, 422, "offset_out_of_range"),
        ({"revision": 7}, 409, "stale_revision"),
        ({"sampling": {"temperature": 9}}, 422, "invalid_request"),
    ],
)
def test_bad_wishes_are_refused_before_anything_starts(
    api: Client, wanted: dict[str, Any], status: int, code: str
) -> None:
    work, ids = api.book()
    for path in ("continue", "context"):
        api.refused(
            status, code, "POST", f"/api/works/{work}/chapters/{ids[0]}/{path}", json=wanted
        )
    assert api.ok("GET", f"/api/works/{work}/generations") == []


def broken(folder: Path) -> Any:
    lost = (Text("写到一半断开了"), Fail(EngineLost("模型断开了，请再试一次。"), after=1))
    engine = ScriptedEngine(script=[lost, lost])
    return TestClient(create_app(make_desk(folder, engine)))


def test_an_engine_lost_in_mid_stream_is_an_error_event_and_keeps_the_text(
    tmp_path: Path,
) -> None:
    with broken(tmp_path) as http:
        api = Client(http, http.app.state.desk)  # type: ignore[attr-defined]
        work, ids = api.book()
        told = run(api, work, ids[0])
        name, data = told[-1]
        assert name == "error"
        assert (data["error"]["code"], data["error"]["retryable"]) == ("engine_lost", True)
        (kept,) = api.ok("GET", f"/api/works/{work}/generations")
        assert (kept["state"], kept["error"]) == ("failed", "engine_lost")
        written = kept["outputs"][0]["text"]
        assert written
        assert "写到一半断开了".startswith(written)
        assert data["text"] == written
        api.refused(
            503, "engine_lost", "POST", f"/api/works/{work}/chapters/{ids[0]}/continue",
            json={"stream": False},
        )  # fmt: skip


def test_a_chapter_deleted_meanwhile_ends_the_stream(tmp_path: Path) -> None:
    engine = ScriptedEngine(tokens_per_second=40)
    desk = make_desk(tmp_path, engine)
    with TestClient(create_app(desk)) as http:
        api = Client(http, desk)
        work, ids = api.book()
        import threading

        def delete() -> None:
            while not len(desk.writer.running):
                time.sleep(0.01)
            time.sleep(0.2)
            api.ok("DELETE", f"/api/works/{work}/chapters/{ids[0]}")

        thread = threading.Thread(target=delete)
        thread.start()
        told = run(api, work, ids[0], length=2000)
        thread.join()
        assert told[-1][0] == "error"
        assert told[-1][1]["error"]["code"] == "chapter_gone"
        assert engine.running == 0


def test_an_engine_that_is_still_starting_is_told_and_can_be_retried(tmp_path: Path) -> None:
    engine = ScriptedEngine()
    with TestClient(create_app(make_desk(tmp_path, engine))) as http:
        api = Client(http, http.app.state.desk)  # type: ignore[attr-defined]
        work, ids = api.book()
        path = f"/api/works/{work}/chapters/{ids[0]}/continue"
        for state, code in (("starting", "engine_starting"), ("failed", "engine_failed")):
            engine.state = state  # type: ignore[assignment]
            api.refused(503, code, "POST", path, json={})
        engine.state = "ready"
        assert run(api, work, ids[0], length=30)[-1][0] == "done"


def test_search_finds_the_page_and_respects_the_chapter(api: Client) -> None:
    work, _ = api.book()
    found = api.ok("GET", f"/api/works/{work}/search", params={"q": "老周头的船"})["passages"]
    assert found[0]["chapter"] == 3
    earlier = api.ok(
        "GET", f"/api/works/{work}/search", params={"q": "老周头的船", "before_chapter": 3}
    )["passages"]
    assert {p["chapter"] for p in earlier} <= {1, 2}
    api.refused(422, "invalid_request", "GET", f"/api/works/{work}/search", params={"q": ""})


def test_health_tells_the_engine_s_state(api: Client) -> None:
    health = api.ok("GET", "/api/health")
    assert health["engine"]["state"] == "ready"
    assert api.http.get("/api/ready").status_code == 200
