"""What a persona remembers: summaries of what left the window, and what comes to mind."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from retrieval.memory.fresh import AUTHOR
from server.app import create_app
from server.engines.scripted import ScriptedEngine, Text
from server.models import TalkSummary
from server.personas import tree
from server.personas.memory import rolling, summaries
from server.personas.memory.rolling import Line
from server.personas.memory.summaries import Past
from server.personas.memory.writer import Wish
from tests.server.conftest import Client, make_desk
from tests.server.talking import Talk, sent

FILLER = "门外的雨下了{n}遍，檐下的石阶湿了又干，谁也没有来过，只有风把落叶推到门槛底下。"
SISTER = ("我妹妹叫小满，住在苏州阊门外。", "记住了，小满住在苏州阊门外。")
ANSWER = "（点头。）"
TOLD = "小顾说自己的妹妹小满住在苏州阊门外，阿檀说记住了；门外一直下雨，谁也没有来过。"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Client]:
    """A desk whose prompts hold some two thousand characters."""
    yield from serving(tmp_path, ScriptedEngine(script=[Text(ANSWER)] * 12))


def serving(tmp_path: Path, engine: ScriptedEngine, **settings: Any) -> Iterator[Client]:
    desk = make_desk(tmp_path / "small", engine, prompt_tokens=2200, **settings)
    with TestClient(create_app(desk), raise_server_exceptions=False) as http:
        yield Client(http, desk)


def fill(talk: Talk, *said: tuple[str, str], turns: int = 30, **details: Any) -> None:
    """Exchanges behind the end of the conversation, then the same thing over and over."""
    more = [(FILLER.format(n=n), FILLER.format(n=-n)) for n in range(turns)]
    with talk.api.desk.database.session() as session:
        row = tree.get_conversation(session, talk.id)
        for mine, theirs in [*said, *more]:
            at = tree.add(session, row, row.leaf_id, "user", mine, "typed")
            tree.add(
                session, row, at.id, "assistant", theirs, "generated",
                persona_id=talk.persona["id"], details=details,
            )  # fmt: skip


def kept(told: list[tuple[str, Any]], begin: str) -> list[dict[str, Any]]:
    prompt = next(data for name, data in told if name == "prompt")
    return [item for item in prompt["kept"] if item["id"].startswith(begin)]


def memory(talk: Talk) -> Any:
    return talk.api.ok("GET", f"{talk.root}/memory")


def test_what_left_the_window_is_summed_up_and_comes_to_mind(small: Client) -> None:
    talk = Talk(small)
    assert memory(talk) == {"summary": None, "others": True}
    small.refused(409, "nothing_summed", "PUT", f"{talk.root}/memory/summary", json={"text": "x"})
    fill(talk, SISTER)
    told = talk.say("小满在苏州过得好吗？")
    (summary,) = kept(told, "summary:")
    assert summary["source"] == "更早说过的"
    assert summary["text"] in sent(told)
    mind = kept(told, "said:")
    assert "这次早先说过的" in {item["source"] for item in mind}
    assert any(SISTER[0] in item["text"] for item in mind)
    prompt = next(data for name, data in told if name == "prompt")
    assert prompt["tokens"] <= prompt["budget"] <= 2200
    stand = {item["id"] for item in prompt["kept"]}
    turns = [f"turn:{row['id']}" for row in talk.path()[:-2]]
    first = next(n for n, turn in enumerate(turns) if turn in stand)
    assert all(turn in stand for turn in turns[first:]), "no turn is missing between two"
    assert memory(talk)["summary"]["turns"] == first, "and none that left is told by nothing"
    grounds = {ground["title"] for ground in talk.path()[-1]["grounds"]}
    assert {"更早说过的", "这次早先说过的"} <= grounds


def test_the_author_s_words_stand_until_they_are_given_up(small: Client) -> None:
    talk = Talk(small)
    fill(talk, SISTER)
    talk.say("雨停了吗？")
    extracted = memory(talk)["summary"]
    assert extracted["maker"] == "extractive"
    path = f"{talk.root}/memory/summary"
    mine = small.ok("PUT", path, json={"text": "小顾托阿檀照看门里的琴。"})["summary"]
    assert (mine["maker"], mine["text"]) == ("author", "小顾托阿檀照看门里的琴。")
    assert "小顾托阿檀照看门里的琴。" in sent(talk.say("琴呢？"))
    assert memory(talk)["summary"]["text"] == "小顾托阿檀照看门里的琴。"
    small.ok("POST", f"{path}/anew")
    assert memory(talk)["summary"]["maker"] == "extractive"


def test_the_model_tells_it_when_nobody_asks_it_anything(tmp_path: Path) -> None:
    engine = ScriptedEngine(script=[Text(ANSWER), Text(TOLD), Text(ANSWER)])
    for api in serving(tmp_path, engine, recaps="model"):
        talk = Talk(api)
        fill(talk, SISTER)
        talk.say("雨停了吗？")
        end = time.monotonic() + 60
        while memory(talk)["summary"]["maker"] != "model":
            assert time.monotonic() < end
            time.sleep(0.05)
        assert memory(talk)["summary"]["text"] == TOLD
        assert TOLD in sent(talk.say("雨停了吗？"))
        assert len(engine.requests) == 3
        summaries = api.desk.memories.summaries
        upto = kept(talk.post(f"messages/{talk.leaf()}/again"), "summary:")[0]["id"]
        assert not summaries.waiting(Wish(talk.id, upto.removeprefix("summary:")))


def test_other_talks_come_to_mind_unless_they_are_switched_off_or_deleted(small: Client) -> None:
    talk = Talk(small)
    fill(talk, SISTER, turns=0)
    former = talk.id
    talk.id = talk.begin()
    talk.root = f"/api/conversations/{talk.id}"
    ask = "小满住在苏州哪里？"
    (mind, *_) = kept(talk.say(ask), "said:")
    assert mind["source"].startswith("从前的对谈")
    assert SISTER[0] in mind["text"]
    assert small.ok("PATCH", f"{talk.root}/memory", json={"others": False})["others"] is False
    assert not kept(talk.say(ask), "said:")
    small.ok("PATCH", f"{talk.root}/memory", json={"others": True})
    assert kept(talk.say(ask), "said:")
    index = f"talk-{talk.persona['id']}"
    small.ok("DELETE", f"/api/conversations/{former}")
    left = small.desk.library.recall(index, ask)
    assert not [one for one in left if SISTER[0] in one.passage.text]
    assert not [one for one in kept(talk.say(ask), "said:") if SISTER[0] in one["text"]]
    small.ok("POST", f"/api/conversations/{former}/restore")
    assert kept(talk.say(ask), "said:")


def test_their_own_scenes_come_to_mind_here_and_through_v1(api: Client) -> None:
    talk = Talk(api, slug="atan")
    scenes = "第一场\n阿檀：铜锁是先夫留下的，钥匙沉在井里。\n\n第二场\n阿檀：今年的柿子涩。"
    api.ok(
        "POST", f"/api/personas/{talk.persona['id']}/documents",
        files={"file": ("scenes.md", scenes.encode())},
    )  # fmt: skip
    ask = "那把铜锁的钥匙在哪里？"
    assert any("沉在井里" in item["text"] for item in kept(talk.say(ask), "document:"))
    said = [{"role": "user", "content": ask}]
    asked = {"model": "persona/atan", "messages": said, "yanchi": {"prompt": True}}
    told = api.ok("POST", "/v1/chat/completions", json=asked)["yanchi"]
    ids = [item["id"] for item in told["kept"]]
    assert any(id.startswith("document:") for id in ids)
    assert not any(id.startswith("said:") for id in ids)
    without = asked | {"yanchi": {"prompt": True, "retrieval": False}}
    told = api.ok("POST", "/v1/chat/completions", json=without)["yanchi"]
    assert not any(item["id"].startswith("document:") for item in told["kept"])


def test_what_they_could_not_know_is_no_memory(api: Client) -> None:
    work, chapters = api.book({
        "一": "沈砚在渡口借过一条船，船尾刻着鹤。",
        "二": "沈砚听说渡口的船沉了，船尾的鹤断成两截。",
        "三": "陆眠把渡口的船赎了回来，没有告诉沈砚。",
        "四": "沈砚在渡口烧了那条船。",
    })  # fmt: skip
    root = f"/api/works/{work}"
    me, other = (
        api.ok("POST", f"{root}/characters", json={"name": name})["id"] for name in ("沈砚", "陆眠")
    )
    fact = {"entity": "陆眠", "attribute": "做了", "value": "赎了回来", "known_by": [
        {"character_id": other}], "since_chapter_id": chapters[2], "since_offset": 0}  # fmt: skip
    api.ok("POST", f"{root}/facts", json=fact)
    talk = Talk(api, work_id=work, character_id=me, chapter_id=chapters[0])

    def recalled() -> set[str]:
        return {item["place"]["chapter_id"] for item in kept(talk.say("渡口的船呢？"), "passage:")}

    assert recalled() == {chapters[0]}
    place = f"/api/personas/{talk.persona['id']}"
    api.ok("PATCH", place, json={"chapter_id": chapters[2]})
    assert recalled() == {chapters[0], chapters[1]}, "not what was kept from them"


def test_what_was_said_at_a_later_place_is_not_remembered_at_an_earlier_one(api: Client) -> None:
    work, chapters = api.book()
    talk = Talk(api, work_id=work, chapter_id=chapters[2])
    there = {"work": work, "character": None, "chapter": chapters[2], "offset": None}
    fill(talk, SISTER, turns=0, stands=there)
    talk.id = talk.begin()
    talk.root = f"/api/conversations/{talk.id}"
    ask = "小满住在苏州哪里？"
    assert kept(talk.say(ask), "said:")
    api.ok("PATCH", f"/api/personas/{talk.persona['id']}", json={"chapter_id": chapters[1]})
    talk.id = talk.begin()
    talk.root = f"/api/conversations/{talk.id}"
    assert not kept(talk.say(ask), "said:")


def lines(count: int, mark: str = "", at: int = -1) -> list[Line]:
    return [
        Line(f"{n}{mark if n >= at >= 0 else ''}", "小顾" if n % 2 == 0 else "阿檀",
             f"第{n}句{mark if n >= at >= 0 else ''}说的是渡口的船。" * 8, n % 2 == 0)
        for n in range(count)
    ]  # fmt: skip


def row(
    said: list[Line], end: int, text: str, maker: str, since: tuple[int, str] = (0, "")
) -> TalkSummary:
    """What tells the first `end` lines, from what told so many of them."""
    begin, before = since
    return TalkSummary(
        conversation_id="c", upto_id=said[end - 1].id, text=text, maker=maker,
        since_id=said[begin - 1].id if begin else None,
        source_hash=rolling.ground(before, said[begin:end]),
    )  # fmt: skip


def test_a_stretch_ends_where_it_did_however_far_the_talk_has_come() -> None:
    said = lines(60)
    stops = rolling.ends(said)
    assert len(stops) > 3
    assert all(not said[stop - 1].user for stop in stops)
    for count in range(60):
        assert rolling.ends(said[:count]) == [stop for stop in stops if stop <= count]


def test_what_is_told_is_the_same_step_by_step_and_says_who_spoke() -> None:
    said = lines(60)
    past = Past(said)
    first, second = past.stops[:2]
    step = rolling.roll("", said, past.stops, 0, first)
    at_once = rolling.roll("", said, past.stops, 0, second)
    assert rolling.roll(step, said, past.stops, first, second) == at_once
    told = past.told(second)
    assert (told.end, told.upto_id, told.maker) == (second, said[second - 1].id, "")
    assert told.text.startswith(("小顾：", "阿檀："))
    assert "小顾：小顾：" not in told.text
    text = rolling.shown("小顾：来了。小顾：坐下。阿檀：坐。小顾：好。", {"小顾", "阿檀"})
    assert text == "小顾：来了。坐下。阿檀：坐。小顾：好。"


def test_a_row_tells_its_own_branch_and_only_what_it_read() -> None:
    said = lines(60)
    one, two, three = rolling.ends(said)[:3]
    rows = [row(said, one, "甲", "m"), row(said, two, "乙", "m", since=(one, "甲"))]
    past = Past(said, rows)
    assert past.best(one) == (one, rows[0])
    assert past.best(three) == (two, rows[1])
    assert past.told(two).text == "乙"
    assert past.told(three).maker == ""
    branch = Past(lines(60, "改", at=one + 1), rows)
    assert branch.best(three) == (one, rows[0]), "what lies before the edit stays told"
    rows[0] = row(said, one, "作者写的", AUTHOR)
    assert past_of(said, rows).best(three) == (one, rows[0]), "what read other words is stale"
    rows[1] = row(said, two, "从头说的", "m")
    assert past_of(said, rows).best(three) == (one, rows[0]), "an author's words are not passed by"
    rows[1] = row(said, two, "接着写的", "m", since=(one, "作者写的"))
    assert past_of(said, rows).told(two).text == "接着写的"


def past_of(said: list[Line], rows: list[TalkSummary]) -> Past:
    return Past(said, list(rows))


def test_a_summary_goes_with_its_conversation(small: Client) -> None:
    talk = Talk(small)
    fill(talk, SISTER)
    talk.say("雨停了吗？")
    small.ok("PUT", f"{talk.root}/memory/summary", json={"text": "我写的。"})
    with small.desk.database.session() as session:
        row = tree.get_conversation(session, talk.id)
        past = summaries.load_past(session, row, row.leaf_id)
        assert [told.maker for told in past.rows] == [AUTHOR]
        session.delete(row)
    with small.desk.database.reading() as session:
        assert session.get(TalkSummary, past.rows[0].id) is None
