"""A persona tells nothing that they do not know where they stand: whatever the story holds."""

import random
from typing import Any

import pytest

from tests.server.conftest import Client
from tests.server.talking import Talk, sent

CHAPTERS = {f"第{n}章": f"第{n}章的正文。沈砚走过第{n}条街，遇见陆眠。" * 3 for n in range(1, 7)}


class Story:
    """A book of facts, states, relations and lore, each with a mark of its own in its words."""

    def __init__(self, api: Client, seed: int) -> None:
        self.dice = random.Random(seed)
        self.api = api
        self.work, self.chapters = api.book(CHAPTERS)
        self.root = f"/api/works/{self.work}"
        self.people = [self.post("characters", name=n, sheet={"秘密": f"私{n}"})
                       for n in ("沈砚", "陆眠", "老周")]  # fmt: skip
        self.marks: dict[str, dict[str, Any]] = {}
        self.book = self.post("lorebooks", name="设定")
        for n in range(30):
            self.tell(f"记号{n:02}号")

    def post(self, what: str, **fields: Any) -> str:
        return str(self.api.ok("POST", f"{self.root}/{what}", json=fields)["id"])

    def when(self) -> dict[str, Any]:
        """Since some chapter, maybe until a later one, known to some from some chapter on."""
        since, until = sorted(self.dice.sample(range(6), 2))
        told: dict[str, Any] = {"since_chapter_id": self.chapters[since], "since_offset": 0}
        if self.dice.random() < 0.3:
            told |= {"until_chapter_id": self.chapters[until], "until_offset": 0}
        if self.dice.random() < 0.7:
            told["known_by"] = [
                {"character_id": p, "chapter_id": self.dice.choice(self.chapters), "offset": 0}
                for p in self.people
                if self.dice.random() < 0.5
            ]
        return told

    def tell(self, mark: str) -> None:
        when, who = self.when(), self.dice.randrange(3)
        kind = self.dice.choice(["fact", "state", "relation", "lore"])
        if kind == "fact":
            self.post(
                "facts", entity=("沈砚", "陆眠", "老周")[who], attribute="事", value=mark, **when
            )
        elif kind == "state":
            self.post("progressions", character_id=self.people[who], label=mark, text=mark, **when)
        elif kind == "relation":
            self.post("relations", a=self.people[who], b=self.people[who - 1], label=mark, **when)
        else:
            self.post(f"lorebooks/{self.book}/entries", constant=True, content=mark, **when)
        self.marks[mark] = when

    def allowed(self, mark: str, knower: int, chapter: int) -> bool:
        """By the definitions alone: places are chapters' beginnings, the persona stands at an end."""
        when = self.marks[mark]
        place = self.chapters.index
        if place(when["since_chapter_id"]) > chapter:
            return False
        if "until_chapter_id" in when and place(when["until_chapter_id"]) <= chapter:
            return False
        known = when.get("known_by")
        return known is None or any(
            k["character_id"] == self.people[knower] and place(k["chapter_id"]) <= chapter
            for k in known
        )


@pytest.mark.parametrize("seed", range(4))
def test_no_prompt_has_what_they_do_not_know_there(api: Client, seed: int) -> None:
    story = Story(api, seed)
    talk = Talk(api, work_id=story.work, character_id=story.people[0])
    persona = f"/api/personas/{talk.persona['id']}"
    told_something = False
    for knower in range(3):
        for chapter in range(6):
            place = {"character_id": story.people[knower], "chapter_id": story.chapters[chapter]}
            api.ok("PATCH", persona, json=place)
            text = sent(talk.say("沈砚、陆眠和老周，你都知道些什么？"))
            stand = {mark for mark in story.marks if mark in text}
            leaked = {m for m in stand if not story.allowed(m, knower, chapter)}
            assert not leaked, (knower, chapter, {m: story.marks[m] for m in leaked})
            told_something |= bool(stand)
            own = ("沈砚", "陆眠", "老周")[knower]
            assert f"私{own}" in text
            assert not [n for n in ("沈砚", "陆眠", "老周") if n != own and f"私{n}" in text]
            known = api.ok("GET", f"{persona}/knowledge")["known"]
            assert all(story.allowed(m, knower, chapter)
                       for m in story.marks if any(m in k["text"] for k in known))  # fmt: skip
    assert told_something


def test_another_s_other_names_are_not_told(api: Client) -> None:
    work, chapters = api.book()
    root = f"/api/works/{work}/characters"
    me = api.ok("POST", root, json={"name": "沈砚"})["id"]
    api.ok("POST", root, json={"name": "罗长庚", "aliases": ["秦驼子"], "sheet": {"外貌": "驼背"}})
    talk = Talk(api, work_id=work, character_id=me, chapter_id=chapters[0])
    text = sent(talk.say("秦驼子今天渡你了吗？"))
    assert "驼背" in text
    assert "罗长庚" not in text


def test_where_the_place_is_gone_less_is_known(api: Client) -> None:
    work, chapters = api.book()
    root = f"/api/works/{work}"
    me = api.ok("POST", f"{root}/characters", json={"name": "沈砚"})["id"]
    fact = {"entity": "沈砚", "attribute": "伤", "value": "断指", "since_chapter_id": chapters[0],
            "since_offset": 3, "known_by": [{"character_id": me}]}  # fmt: skip
    api.ok("POST", f"{root}/facts", json=fact)
    talk = Talk(api, work_id=work, character_id=me, chapter_id=chapters[1])
    assert "断指" in sent(talk.say("你的手？"))
    api.ok("DELETE", f"{root}/chapters/{chapters[1]}")
    assert "断指" not in sent(talk.say("你的手？"))
    api.ok("PATCH", f"/api/personas/{talk.persona['id']}", json={"chapter_id": chapters[2]})
    assert "断指" in sent(talk.say("你的手？"))
    api.ok("DELETE", f"{root}/characters/{me}")
    assert "断指" not in sent(talk.say("你的手？"))
    api.ok("DELETE", root)
    api.refused(404, "work_not_found", "POST", f"{talk.root}/messages", json={"text": "喂"})


def test_a_place_moves_with_its_words(api: Client) -> None:
    work, chapters = api.book({"一": "甲乙丙丁。戊己庚辛。"})
    made = api.ok("POST", "/api/personas", json={
        "name": "甲", "work_id": work, "chapter_id": chapters[0], "offset": 5,
    })  # fmt: skip
    api.ok(
        "PUT",
        f"/api/works/{work}/chapters/{chapters[0]}",
        json={"text": "序。甲乙丙丁。戊己庚辛。"},
    )
    assert api.ok("GET", f"/api/personas/{made['id']}")["offset"] == 7
