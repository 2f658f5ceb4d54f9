"""Rewriting a stretch of a chapter: what is asked, what stays out, what accepting it does."""

from typing import Any

import pytest

from retrieval.rewriting import TASKS
from tests.server.conftest import CHAPTERS, Client
from tests.server.test_continue_api import events

TEXTS = list(CHAPTERS.values())
WORDS = "砚台里的墨干了"
START = TEXTS[1].index(WORDS)


class Desk:
    def __init__(self, api: Client) -> None:
        self.api = api
        self.work, self.chapters = api.book()
        self.root = f"/api/works/{self.work}"
        self.path = f"{self.root}/chapters/{self.chapters[1]}"

    def rewrite(self, **wanted: Any) -> Any:
        return self.api.ok("POST", f"{self.path}/rewrite", json=_asked(wanted))

    def refused(self, status: int, code: str, **wanted: Any) -> str:
        return self.api.refused(status, code, "POST", f"{self.path}/rewrite", json=_asked(wanted))


def _asked(wanted: dict[str, Any]) -> dict[str, Any]:
    return {"start": START, "end": START + len(WORDS), "task": "polish", "stream": False, **wanted}


@pytest.fixture
def desk(api: Client) -> Desk:
    return Desk(api)


def asked(result: Any) -> str:
    return str(result["prompt"]["messages"][1]["content"])


def test_the_events_are_those_of_a_continuation(desk: Desk, api: Client) -> None:
    answer = api.http.post(f"{desk.path}/rewrite", json=_asked({"stream": True, "candidates": 2}))
    told = events(answer.text)
    assert (told[0][0], told[-1][0]) == ("prompt", "done")
    for n, candidate in enumerate(told[-1][1]["candidates"]):
        own = "".join(d["text"] for name, d in told if name == "delta" and d["index"] == n)
        assert own == candidate["text"]
    (row,) = api.ok("GET", f"{desk.root}/generations", params={"kind": "rewrite"})
    assert (row["start"], row["end"], row["kind"]) == (START, START + len(WORDS), "rewrite")
    assert row["request"]["task"] == "polish"
    assert api.ok("GET", f"{desk.root}/generations", params={"kind": "continue"}) == []


@pytest.mark.parametrize("task", TASKS)
def test_the_stretch_stands_between_what_is_around_it(desk: Desk, task: str) -> None:
    result = desk.rewrite(task=task, instruction="写得冷一点")
    prompt = asked(result)
    assert len(result["prompt"]["messages"]) == 2
    before, _, rest = prompt.partition("【要改的原文】")
    assert before.endswith("【前文】\n第二天，\n\n")
    stretch, behind, wish = rest.replace("【要求】", "【原文之后】").split("【原文之后】")[:3]
    assert stretch.strip() == WORDS
    assert behind.strip() == TEXTS[1].split("\n")[0][START + len(WORDS) :]
    assert "写得冷一点" in wish


def test_nothing_behind_the_next_paragraph_is_told(desk: Desk) -> None:
    whole = str(desk.rewrite(instruction="渡口 老周头 雨夜", retrieval=True)["prompt"]["messages"])
    assert "沈砚没有回答" not in whole
    assert "老周头" not in whole.replace("渡口 老周头 雨夜", "")
    assert "雨下了一夜" in whole


def test_the_length_follows_the_task_unless_it_is_given(desk: Desk, api: Client) -> None:
    for task, length in (("expand", 14), ("condense", 4), ("rewrite", 7)):
        assert f"，{length}字左右" in asked(desk.rewrite(task=task))
    result = desk.rewrite(length=60)
    assert "，60字左右" in asked(result)
    assert len(result["text"]) <= 1.2 * (1.2 * 60) + 40
    request = api.ok("GET", f"{desk.root}/generations")[0]["request"]
    assert (request["length"], request["task"]) == (60, "polish")


def test_who_speaks_and_which_senses(desk: Desk, api: Client) -> None:
    card = {"name": "陆眠", "sheet": {"说话": "只问不答。"}}
    lu = api.ok("POST", f"{desk.root}/characters", json=card)["id"]
    prompt = asked(desk.rewrite(task="dialogue", character=lu, senses=["听"], start=0))
    assert "多让陆眠说话" in prompt
    assert "听见的" in prompt
    desk.refused(404, "character_not_found", character="0" * 32)
    desk.refused(422, "invalid_request", senses=["心"])


def test_the_blanks_around_a_selection_stay(desk: Desk, api: Client) -> None:
    line = TEXTS[1].index("\n")
    result = desk.rewrite(start=line, end=len(TEXTS[1]))
    row = api.ok("GET", f"{desk.root}/generations")[0]
    assert (row["start"], row["end"]) == (line + 1, len(TEXTS[1]))
    assert "【原文之后】" not in asked(result)
    path = f"{desk.root}/generations/{result['generation']}/verdict"
    api.ok("POST", path, json={"verdict": "accepted"})
    assert api.ok("GET", desk.path)["text"] == TEXTS[1][: line + 1] + result["text"]


def test_accepting_puts_it_in_the_stretch_s_place(desk: Desk, api: Client) -> None:
    result = desk.rewrite()
    grown = TEXTS[1] + "天亮了。"
    api.ok("PUT", desk.path, json={"text": grown})
    path = f"{desk.root}/generations/{result['generation']}/verdict"
    api.ok("POST", path, json={"verdict": "accepted", "text": "墨成了冰"})
    assert api.ok("GET", desk.path)["text"] == grown.replace(WORDS, "墨成了冰")


def test_accepting_is_refused_where_the_stretch_has_changed(desk: Desk, api: Client) -> None:
    result = desk.rewrite()
    api.ok("PUT", desk.path, json={"text": TEXTS[1].replace("干了", "没了")})
    path = f"{desk.root}/generations/{result['generation']}/verdict"
    api.refused(409, "text_changed", "POST", path, json={"verdict": "accepted"})


def test_stretches_that_cannot_be_are_refused(desk: Desk, api: Client) -> None:
    desk.refused(422, "offset_out_of_range", end=10_000)
    desk.refused(422, "offset_out_of_range", start=5, end=4)
    line = TEXTS[1].index("\n")
    desk.refused(422, "empty_selection", start=line, end=line + 1)
    desk.refused(409, "stale_revision", revision=7)
    api.ok("PUT", desk.path, json={"text": "雨" * 4001})
    told = desk.refused(422, "selection_too_long", start=0, end=4001)
    assert "4000" in told
    assert "4001" in told


def test_a_rewriting_between_two_continuations_moves_nothing(desk: Desk, api: Client) -> None:
    def settled() -> list[str]:
        path = f"{desk.root}/chapters/{desk.chapters[1]}/continue"
        wanted = {"length": 40, "stream": False, "beat": "雨又下了一夜。"}
        return [m["content"] for m in api.ok("POST", path, json=wanted)["prompt"]["messages"]]

    first = settled()
    desk.rewrite()
    assert settled() == first


def test_the_template_is_the_author_s_to_change(desk: Desk, api: Client) -> None:
    root = "/api/templates/rewrite"
    shipped = api.ok("GET", root)
    assert shipped["origin"] == "shipped"
    user = shipped["user"].replace("直接写改好的正文", "只交改好的正文")
    parts = {"system": shipped["system"], "user": user, "assistant": shipped["assistant"]}
    api.ok("PUT", root, json=parts)
    assert "只交改好的正文" in asked(desk.rewrite())
    broken = parts | {"user": "只写。"}
    api.refused(422, "broken_template", "PUT", root, json=broken)
