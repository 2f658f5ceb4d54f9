"""Relations between characters over HTTP: kept, checked, and as they stand at a place."""

from typing import Any

import pytest

from tests.server.conftest import CHAPTERS, Client
from tests.server.test_story_api import Desk

TEXTS = list(CHAPTERS.values())


@pytest.fixture
def desk(api: Client) -> Desk:
    return Desk(api)


def labels(desk: Desk, **query: Any) -> list[str]:
    return [r["label"] for r in desk.api.ok("GET", f"{desk.root}/relations", params=query)]


def test_a_relation_is_kept_changed_and_let_go(desk: Desk, api: Client) -> None:
    made = desk.post("relations", a=desk.shen, b=desk.lu, label="故人", note="在渡口认得")
    assert (made["mutual"], made["since_chapter_id"], made["known_by"]) == (True, None, None)
    path = f"{desk.root}/relations/{made['id']}"
    changed = api.ok("PATCH", path, json={"label": "仇人", "mutual": False})
    assert (changed["label"], changed["mutual"], changed["note"]) == ("仇人", False, "在渡口认得")
    assert labels(desk, character_id=desk.lu) == ["仇人"]
    assert labels(desk, character_id=desk.person("老周头")) == []
    api.ok("DELETE", path)
    assert labels(desk) == []
    api.refused(404, "relation_not_found", "DELETE", path)


def test_relations_that_cannot_be_are_refused(desk: Desk, api: Client) -> None:
    desk.refused(422, "relation_with_self", "relations", a=desk.lu, b=desk.lu, label="故人")
    desk.refused(404, "character_not_found", "relations", a=desk.lu, b="0" * 32, label="故人")
    first, second, _ = desk.chapters
    backwards = {"since_chapter_id": second, "until_chapter_id": first}
    fields = {"a": desk.shen, "b": desk.lu, "label": "故人"}
    desk.refused(422, "never_holds", "relations", **fields, **backwards)
    made = desk.post("relations", **fields)
    other, _ = api.book()
    path = f"/api/works/{other}/relations/{made['id']}"
    api.refused(404, "relation_not_found", "PATCH", path, json={"label": "路人"})
    own = f"{desk.root}/relations/{made['id']}"
    api.refused(404, "character_not_found", "PATCH", own, json={"b": "0" * 32})
    assert api.ok("GET", f"{desk.root}/relations")[0]["b"] == desk.lu


def test_relations_stand_for_their_time_and_for_who_knows(desk: Desk) -> None:
    _, second, third = desk.chapters
    friends = {"until_chapter_id": second, "until_offset": 5}
    desk.post("relations", a=desk.shen, b=desk.lu, label="故人", **friends)
    known = [{"character_id": desk.shen}]
    foes = {"since_chapter_id": second, "since_offset": 5, "known_by": known}
    desk.post("relations", a=desk.shen, b=desk.lu, label="仇人", **foes)
    assert labels(desk) == ["故人", "仇人"]
    assert labels(desk, chapter_id=second, offset=4) == ["故人"]
    assert labels(desk, chapter_id=second, offset=5) == ["仇人"]
    assert labels(desk, chapter_id=third, viewpoint=desk.shen) == ["仇人"]
    assert labels(desk, chapter_id=third, viewpoint=desk.lu) == []


def test_a_sheet_tells_relations_from_its_own_side(desk: Desk, api: Client) -> None:
    desk.post("relations", a=desk.shen, b=desk.lu, label="女儿", mutual=False, note="失散多年")
    desk.post("relations", a=desk.lu, b=desk.shen, label="同乡")

    def bonds(character: str) -> list[tuple[str, str]]:
        path = f"{desk.root}/characters/{character}/standing"
        told = api.ok("GET", path, params={"chapter_id": desk.chapters[0]})
        return [(r["name"], r["label"]) for r in told["relations"]]

    assert bonds(desk.shen) == [("陆眠", "女儿"), ("陆眠", "同乡")]
    assert bonds(desk.lu) == [("沈砚", "同乡")]


def test_a_sheet_tells_what_its_character_knows_of_what_holds(desk: Desk, api: Client) -> None:
    first, second, _ = desk.chapters
    learned = [{"character_id": desk.lu, "chapter_id": second, "offset": 3}]
    fact = {"entity": "空砚", "attribute": "墨", "value": "干了", "since_chapter_id": first}
    desk.post("facts", **fact, known_by=learned)
    desk.post("facts", entity="渡口", attribute="船", value="一条", since_chapter_id=second)

    def told(chapter: str, offset: int) -> tuple[list[str], list[str]]:
        path = f"{desk.root}/characters/{desk.lu}/standing"
        answer = api.ok("GET", path, params={"chapter_id": chapter, "offset": offset})
        return answer["known"], answer["unknown"]

    assert told(first, 1) == ([], ["空砚（墨）：干了"])
    assert told(second, 2) == (["渡口（船）：一条"], ["空砚（墨）：干了"])
    assert told(second, 3) == (["空砚（墨）：干了", "渡口（船）：一条"], [])


def test_a_relation_moves_with_its_words_and_goes_with_its_people(desk: Desk, api: Client) -> None:
    second = desk.chapters[1]
    since = {"since_chapter_id": second, "since_offset": 5}
    desk.post("relations", a=desk.shen, b=desk.lu, label="仇人", **since)
    api.ok("PUT", f"{desk.root}/chapters/{second}", json={"text": "那年。" + TEXTS[1]})
    assert api.ok("GET", f"{desk.root}/relations")[0]["since_offset"] == 8
    api.ok("DELETE", f"{desk.root}/characters/{desk.lu}")
    assert labels(desk) == []
