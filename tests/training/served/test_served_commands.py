"""`yanchi data summaries`, `dialogue`, `qa`, `augment`, `context`, with a peer on a real port."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from typer.testing import CliRunner, Result

from tests.training.served.served_peer import Peer, listening
from tests.training.tiny import make_base
from training.commands import novels, served
from training.data.store import load
from training.types import Chat

STORY = (
    "第一章 雨夜\n雨下了一夜。沈砚推开门，灯还亮着。“你来了，”柳娘说，“坐。”"
    "他没有坐。“信呢？”沈砚问。柳娘把茶推过来，说起今年的春茶。“烧了。”她说。\n"
    "第二章 天明\n天亮的时候雨停了。沈砚还坐在门槛上。“你怎么还不走？”柳娘问。"
    "“等船。”沈砚答。船在晌午才来，他上了船，没有回头。\n"
)

app = typer.Typer()
for command in (*served.commands, *novels.commands):
    app.command(command.__name__)(command)


def answer(body: dict[str, Any]) -> str | httpx.Response:
    question = str(body["messages"][0]["content"])
    form = body.get("response_format", {}).get("json_schema", {}).get("name")
    is_first = "雨下了一夜" in question
    if form == "lines":
        told = (
            [("柳娘", "坐。"), ("沈砚", "信呢？"), ("柳娘", "烧了。"), ("柳娘", "没说过")]
            if is_first else [("柳娘", "你怎么还不走？"), ("沈砚", "等船。")]
        )  # fmt: skip
        return json.dumps({"lines": [{"speaker": a, "line": b} for a, b in told]})
    if form == "pairs":
        quote = "信呢" if is_first else "等船"
        pairs = [{"question": "怎么了？", "answer": "如此。", "quote": f"{quote}{end}"}
                 for end in ("？", "。")]  # fmt: skip
        told_pairs = [pair | {"quote": f"“{pair['quote']}”沈砚"} for pair in pairs]
        return json.dumps({"pairs": told_pairs})
    if form == "more":
        seed = body["seed"]
        items = [{"question": f"{seed}号渡口的船几时来？", "answer": f"等到{seed}更天，听见橹声就是。"},
                 {"question": "信呢？", "answer": "烧了，灰都凉了。"}]  # fmt: skip
        return json.dumps({"items": items})
    return (
        "沈砚雨夜来取信，柳娘说信已烧了。"
        if "雨下了一夜" in question
        else "沈砚天明等船离开了渡口。"
    )


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    peer = Peer(answer)
    monkeypatch.setenv("YANCHI_DATA_DIR", str(tmp_path))
    with listening(peer) as url:
        monkeypatch.setenv("YANCHI_SERVED_URL", url)
        monkeypatch.setenv("YANCHI_SERVED_MODEL", "m")
        yield peer


@pytest.fixture
def story(tmp_path: Path) -> Path:
    path = tmp_path / "听雨.txt"
    path.write_text(STORY, encoding="utf-8")
    return path


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def told(*words: str | Path) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def learned(data_dir: Path, name: str) -> list[Chat]:
    return [item for item in load(data_dir / "datasets" / name).train if isinstance(item, Chat)]


def test_summaries_make_a_file_that_novel_takes(peer: Peer, story: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.jsonl"
    report = told("summaries", story, "--to", made, "--length", "200")
    assert (report["chunks"], report["made"], report["failed"]) == (2, 2, 0)
    assert told("summaries", story, "--to", made, "--length", "200")["kept"] == 2
    assert len(peer.bodies) == 2
    rows = [json.loads(line) for line in made.read_text("utf-8").splitlines()]
    assert [row["summary"] for row in rows] == [
        "沈砚雨夜来取信，柳娘说信已烧了。", "沈砚天明等船离开了渡口。",
    ]  # fmt: skip
    assert rows[0]["place"].startswith("第一章")
    told("novel", story, "--name", "n", "--task", "按梗概写", "--made", made, "--length", "200",
         "--shortest", "20")  # fmt: skip
    assert learned(tmp_path, "n")[0].turns[-2].text == "沈砚雨夜来取信，柳娘说信已烧了。"


def test_drafts_join_the_summaries(peer: Peer, story: Path, tmp_path: Path) -> None:
    made = tmp_path / "made.jsonl"
    told("summaries", story, "--to", made, "--length", "200")
    plain = "那天晚上一直在下雨。沈砚进了屋，柳娘叫他坐下来，他却只问信在哪里，柳娘请他喝茶，后来才承认没有了。"
    peer.says = lambda _: plain
    assert told("summaries", story, "--to", made, "--length", "200", "--draft")["made"] == 2
    rows = [json.loads(line) for line in made.read_text("utf-8").splitlines()]
    assert [row["draft"] for row in rows] == [plain] * 2
    assert all(row["summary"] for row in rows)


@pytest.mark.usefixtures("peer")
def test_prose_becomes_a_roles_dialogue(story: Path, tmp_path: Path) -> None:
    card = told("dialogue", story, "--role", "柳娘", "--name", "d", "--length", "200")
    assert card["report"]["dropped"] == 1
    assert card["report"]["speakers"] == {"柳娘": 3, "沈砚": 2}
    chats = learned(tmp_path, "d")
    assert [chat.turns[-1].text for chat in chats] == ["坐。", "烧了。", "你怎么还不走？"]
    assert chats[1].turns[-2].text == "信呢？"
    assert chats[1].origin.place.startswith("第一章")


@pytest.mark.usefixtures("peer")
def test_text_becomes_questions(story: Path, tmp_path: Path) -> None:
    card = told("qa", story, "--name", "q", "--length", "200")
    assert card["rows"] == 2
    assert card["report"]["dropped"] == 2
    assert learned(tmp_path, "q")[0].turns[-1].text == "如此。\n原文：“信呢？”沈砚”"


@pytest.mark.usefixtures("peer")
def test_a_few_examples_become_many(tmp_path: Path) -> None:
    file = tmp_path / "例子.jsonl"
    rows = [{"instruction": "信呢？", "output": "烧了，灰都凉了。"},
            {"instruction": "茶呢？", "output": "凉了，我再沏一壶。"}]  # fmt: skip
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    card = told("augment", file, "--name", "a", "--count", "12", "--similar", "0.8")
    assert card["report"]["repeated"] == 3
    assert card["rows"] == 3
    assert {chat.origin.made_by for chat in learned(tmp_path, "a")} == {"augmented/1"}


def test_nothing_but_the_examples_again(peer: Peer, tmp_path: Path) -> None:
    file = tmp_path / "例子.jsonl"
    rows = [{"instruction": "信呢？", "output": "烧了，灰都凉了。"},
            {"instruction": "茶呢？", "output": "凉了，我再沏一壶。"}]  # fmt: skip
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    again = [{"question": row["instruction"], "answer": row["output"]} for row in rows]
    peer.says = lambda _: json.dumps({"items": again})
    result = run("augment", file, "--name", "a", "--count", "4", "--json")
    assert result.exit_code == 1
    assert "2 条都和例子相近" in json.loads(result.stdout)["error"]["message"]


def test_variants_are_tried_on_a_sample_and_nothing_is_made(
    peer: Peer, story: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "短问.txt"
    mine.write_text("一句话：{{ text }}", encoding="utf-8")
    words = ("summaries", story, "--length", "200", "--sample", "1")
    tried = told(*words, "--variant", "平实", "--variant", mine)
    assert set(tried["variants"]) == set(tried["templates"]) == {"平实", "短问"}
    assert tried["templates"]["短问"] == "一句话：{{ text }}"
    [row] = tried["rows"]
    assert row["made"]["短问"] == "沈砚雨夜来取信，柳娘说信已烧了。"
    assert len(peer.bodies) == 2
    table = run(*words)
    assert table.exit_code == 0, table.output
    assert "承前" in table.stdout
    assert not (tmp_path / "datasets").exists()
    several = run("qa", story, "--name", "q", "--variant", "事实", "--variant", "缘由", "--json")
    assert several.exit_code == 1
    assert "--sample" in json.loads(several.stdout)["error"]["message"]


def test_progress_counts_the_questions(peer: Peer, story: Path, tmp_path: Path) -> None:
    words = ("summaries", story, "--length", "200", "--to", tmp_path / "m", "--progress-json")
    lines = [json.loads(line) for line in run(*words, "--json").stderr.splitlines()]
    assert lines[-1] == {"done": 2, "total": 2, "note": "问模型"}
    assert len(peer.bodies) == 2


def test_what_failed_is_told_and_the_rest_is_made(peer: Peer, story: Path, tmp_path: Path) -> None:
    peer.says = lambda body: (
        httpx.Response(400, text="too long")
        if "天亮" in str(body["messages"][0]["content"])
        else answer(body)
    )
    report = told("summaries", story, "--length", "200", "--to", tmp_path / "m")
    assert (report["made"], report["failed"]) == (1, 1)
    [first] = report["refusals"]["first"]
    assert "too long" in first["reason"]
    assert first["field"].startswith("第二章")


def test_without_an_endpoint(story: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YANCHI_SERVED_URL", raising=False)
    result = run("summaries", story, "--to", tmp_path / "m", "--data-dir", tmp_path, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["code"] == "engine_unreachable"


def test_context_examples_of_a_book(tmp_path: Path) -> None:
    novel = Path(__file__).parents[3] / "data" / "sample" / "novel.md"
    base = make_base(tmp_path / "base")
    card = told("context", novel, "--name", "c", "--base", base, "--data-dir", tmp_path,
                "--limit", "4096")  # fmt: skip
    report = card["report"]
    assert set(report) == {"found", "distracted", "empty"}
    assert sum(report.values()) == card["rows"] > 10
    assert report["found"] > report["distracted"]
    chat = learned(tmp_path, "c")[-1]
    assert [turn.role for turn in chat.turns] == ["system", "user", "assistant"]
    assert "你是一位中文小说家" in chat.turns[0].text
