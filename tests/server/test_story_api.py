"""Scenes, progressions, facts and points of view over HTTP."""

from typing import Any

import pytest

from retrieval.context import candidates_for
from server.writing.brief import Place, load_brief
from tests.server.conftest import CHAPTERS, Client

TEXTS = list(CHAPTERS.values())


class Desk:
    """A book of three chapters with two people in it."""

    def __init__(self, api: Client) -> None:
        self.api = api
        self.work, self.chapters = api.book()
        self.root = f"/api/works/{self.work}"
        self.shen, self.lu = (self.person(name) for name in ("沈砚", "陆眠"))

    def person(self, name: str, **more: Any) -> str:
        made = self.api.ok("POST", f"{self.root}/characters", json={"name": name, **more})
        return str(made["id"])

    def post(self, what: str, **fields: Any) -> Any:
        return self.api.ok("POST", f"{self.root}/{what}", json=fields)

    def refused(self, status: int, code: str, what: str, **fields: Any) -> str:
        return self.api.refused(status, code, "POST", f"{self.root}/{what}", json=fields)

    def kept_out(self, chapter: int, **wanted: Any) -> dict[str, str]:
        """What bears on this place but may not stand there, with the reason."""
        place = Place(self.work, self.chapters[chapter], **wanted)
        with self.api.desk.database.reading() as session:
            return {i.text: why for i, why in candidates_for(load_brief(session, place).brief)[1]}

    def sent(self, chapter: int, **wanted: Any) -> str:
        path = f"{self.root}/chapters/{self.chapters[chapter]}/context"
        prompt = self.api.ok("POST", path, json={"retrieval": False, **wanted})
        return "\n".join(m["content"] for m in prompt["messages"])


@pytest.fixture
def desk(api: Client) -> Desk:
    return Desk(api)


def test_a_scene_is_kept_changed_and_let_go(desk: Desk, api: Client) -> None:
    first, second, _ = desk.chapters
    made = desk.post("scenes", chapter_id=second, start=4, end=10, after_chapter_id=first)
    assert (made["rank"], made["backstory"], made["label"]) == (0, False, "")
    path = f"{desk.root}/scenes/{made['id']}"
    changed = api.ok("PATCH", path, json={"end": None, "after_chapter_id": None, "label": "忆"})
    assert (changed["end"], changed["after_chapter_id"], changed["label"]) == (None, None, "忆")
    assert changed["start"] == 4
    api.ok("PUT", f"{desk.root}/chapters/{second}", json={"text": "从前。" + TEXTS[1]})
    assert api.ok("GET", f"{desk.root}/scenes")[0]["start"] == 7
    api.ok("DELETE", path)
    assert api.ok("GET", f"{desk.root}/scenes") == []


def test_scenes_that_cannot_be_are_refused(desk: Desk, api: Client) -> None:
    chapter = desk.chapters[0]
    desk.refused(422, "offset_out_of_range", "scenes", chapter_id=chapter, end=10_000)
    desk.refused(422, "offset_out_of_range", "scenes", chapter_id=chapter, start=9, end=3)
    desk.refused(422, "empty_scene", "scenes", chapter_id=chapter, start=3, end=3)
    desk.refused(404, "chapter_not_found", "scenes", chapter_id="0" * 32)
    desk.refused(404, "chapter_not_found", "scenes", chapter_id=chapter, after_chapter_id="0" * 32)
    other, _ = api.book()
    made = desk.post("scenes", chapter_id=chapter)
    api.refused(404, "scene_not_found", "DELETE", f"/api/works/{other}/scenes/{made['id']}")
    api.refused(
        404, "chapter_not_found", "PATCH", f"{desk.root}/scenes/{made['id']}",
        json={"chapter_id": "0" * 32},
    )  # fmt: skip
    assert api.ok("GET", f"{desk.root}/scenes")[0]["chapter_id"] == chapter


def test_a_sheet_changes_with_the_story_and_the_eyes(desk: Desk, api: Client) -> None:
    second = desk.chapters[1]
    place = {"since_chapter_id": second, "since_offset": 5}
    known = [{"character_id": desk.lu, "chapter_id": desk.chapters[2], "offset": 0}]
    row = desk.post(
        "progressions", character_id=desk.shen, label="伤", text="手断了", **place, known_by=known
    )

    def labels(chapter: int, offset: int, viewpoint: str | None = None) -> tuple[list[str], ...]:
        query = {"chapter_id": desk.chapters[chapter], "offset": offset}
        query |= {"viewpoint": viewpoint} if viewpoint else {}
        path = f"{desk.root}/characters/{desk.shen}/standing"
        told = api.ok("GET", path, params=query)
        return [p["text"] for p in told["paragraphs"]], [h["reason"] for h in told["hidden"]]

    assert labels(1, 4) == ([], ["此时还没有发生"])
    assert labels(1, 5) == (["手断了"], [])
    assert labels(1, 5, desk.lu) == ([], ["视角人物此时还不知道"])
    assert labels(2, 0, desk.lu) == (["手断了"], [])
    path = f"{desk.root}/progressions/{row['id']}"
    api.ok("PATCH", path, json={"until_chapter_id": desk.chapters[2], "known_by": None})
    assert labels(2, 1) == ([], ["此时已经过去"])
    listed = f"{desk.root}/progressions?character_id="
    assert [p["id"] for p in api.ok("GET", listed + desk.shen)] == [row["id"]]
    assert api.ok("GET", listed + desk.lu) == []
    api.ok("DELETE", path)
    api.refused(404, "progression_not_found", "DELETE", path)


def test_progressions_that_cannot_be_are_refused(desk: Desk, api: Client) -> None:
    fields = {"character_id": desk.shen, "label": "伤", "text": "手断了"}
    first, second, _ = desk.chapters
    backwards = {"since_chapter_id": second, "until_chapter_id": first}
    desk.refused(422, "never_holds", "progressions", **fields, **backwards)
    # Told later, but in a scene of earlier time, it may well begin there.
    scene = desk.post("scenes", chapter_id=second, start=0)
    desk.post("progressions", **fields, **backwards, since_offset=3, until_offset=9)
    api.ok("DELETE", f"{desk.root}/scenes/{scene['id']}")
    desk.refused(
        422, "offset_out_of_range", "progressions", **fields,
        since_chapter_id=first, since_offset=9999,
    )  # fmt: skip
    desk.refused(
        404, "character_not_found", "progressions", **fields, known_by=[{"character_id": "0" * 32}]
    )
    desk.refused(404, "character_not_found", "progressions", **fields | {"character_id": "0" * 32})


EVIDENCE = "砚台里的墨干了"


def test_a_fact_holds_from_behind_the_words_that_prove_it(desk: Desk, api: Client) -> None:
    second = desk.chapters[1]
    fact = desk.post(
        "facts", entity="空砚", attribute="墨", value="干了",
        evidence=EVIDENCE, evidence_chapter_id=second,
    )  # fmt: skip
    end = TEXTS[1].index(EVIDENCE) + len(EVIDENCE)
    assert (fact["since_chapter_id"], fact["since_offset"]) == (second, end)
    assert fact["evidence_changed"] is False
    text = "空砚（墨）：干了"
    assert text in desk.sent(2, beat="他去看空砚。")
    assert text not in desk.sent(2, beat="他去看渡口。")
    assert text not in desk.sent(1, beat="他去看空砚。", offset=end - 1)
    assert desk.kept_out(1, beat="他去看空砚。", offset=end - 1)[text] == "此时还没有发生"
    api.ok("PUT", f"{desk.root}/chapters/{second}", json={"text": TEXTS[1].replace("墨", "水")})
    assert api.ok("GET", f"{desk.root}/facts")[0]["evidence_changed"] is True
    path = f"{desk.root}/facts/{fact['id']}"
    proved = api.ok("PATCH", path, json={"evidence": "砚台里的水干了", "value": "没了"})
    assert (proved["evidence_changed"], proved["value"]) == (False, "没了")
    assert api.ok("PATCH", path, json={"evidence": ""})["evidence_chapter_id"] is None
    api.ok("DELETE", path)
    api.refused(404, "fact_not_found", "PATCH", path, json={"value": "在"})


def test_who_does_not_know_a_fact_is_told_as_the_reason(desk: Desk) -> None:
    known = [{"character_id": desk.shen}]
    desk.post("facts", entity="空砚", attribute="来历", value="祖传", known_by=known)
    desk.post("facts", entity="陆眠", attribute="年龄", value="二十", character_id=desk.lu)
    text = "空砚（来历）：祖传"
    assert text in desk.sent(2, beat="空砚")
    assert text in desk.sent(2, beat="空砚", viewpoint=desk.shen)
    assert text not in desk.sent(2, beat="空砚", viewpoint=desk.lu)
    assert desk.kept_out(2, beat="空砚", viewpoint=desk.lu)[text] == "视角人物此时还不知道"
    assert "陆眠（年龄）：二十" in desk.sent(2, beat="陆眠来了", viewpoint=desk.lu)


def test_a_viewpoint_must_be_somebody_of_the_book(desk: Desk, api: Client) -> None:
    path = f"{desk.root}/chapters/{desk.chapters[0]}/context"
    api.refused(404, "character_not_found", "POST", path, json={"viewpoint": "0" * 32})
    api.refused(422, "invalid_request", "POST", path, json={"viewpoint": "沈砚"})


def test_facts_are_imported_together_or_not_at_all(desk: Desk, api: Client) -> None:
    good = {"entity": "空砚", "attribute": "墨", "value": "干了"}
    proved = good | {"evidence": EVIDENCE, "evidence_chapter_id": desk.chapters[1]}
    bad = good | {"evidence": "书里没有的话", "evidence_chapter_id": desk.chapters[1]}
    said = desk.refused(422, "evidence_not_found", "facts/import", facts=[good, bad])
    assert said.startswith("第 2 条")
    assert api.ok("GET", f"{desk.root}/facts") == []
    made = desk.post("facts/import", facts=[good, proved])
    assert [f["origin"] for f in made] == ["import", "import"]
    assert made[1]["since_chapter_id"] == desk.chapters[1]
    assert [f["id"] for f in api.ok("GET", f"{desk.root}/facts")] == [f["id"] for f in made]


def test_evidence_must_stand_in_one_place(desk: Desk, api: Client) -> None:
    fact = {"entity": "沈砚", "attribute": "名", "value": "砚"}
    first = desk.chapters[0]
    desk.refused(422, "evidence_without_chapter", "facts", **fact, evidence="雨")
    twice = {"evidence": "灯", "evidence_chapter_id": first}
    api.ok("PUT", f"{desk.root}/chapters/{first}", json={"text": "灯亮着，灯又灭了。"})
    desk.refused(422, "evidence_ambiguous", "facts", **fact, **twice)
    made = desk.post("facts", **fact, **twice, evidence_start=4)
    assert (made["evidence_start"], made["evidence_end"]) == (4, 5)


def test_what_began_in_a_binned_chapter_holds_nowhere_until_it_returns(
    desk: Desk, api: Client
) -> None:
    second = desk.chapters[1]
    desk.post("facts", entity="空砚", attribute="墨", value="干了", since_chapter_id=second)
    text = "空砚（墨）：干了"
    api.ok("DELETE", f"{desk.root}/chapters/{second}")
    assert text not in desk.sent(2, beat="空砚")
    assert desk.kept_out(2, beat="空砚")[text].startswith("它所在的章节已不在")
    api.ok("POST", f"{desk.root}/chapters/{second}/restore")
    assert text in desk.sent(2, beat="空砚")
