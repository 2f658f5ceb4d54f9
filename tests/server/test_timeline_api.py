"""The story's own order over HTTP, and the outline's tree."""

from typing import Any

import pytest

from tests.server.conftest import CHAPTERS, Client
from tests.server.test_story_api import Desk

TEXTS = list(CHAPTERS.values())


@pytest.fixture
def desk(api: Client) -> Desk:
    return Desk(api)


def moments(desk: Desk) -> list[Any]:
    return list(desk.api.ok("GET", f"{desk.root}/timeline"))


def test_a_book_told_in_order_happens_in_order(desk: Desk) -> None:
    told = moments(desk)
    listed = desk.api.ok("GET", f"{desk.root}/chapters")
    assert [m["title"] for m in told] == [f"{c['label']}　{c['name']}" for c in listed]
    assert [m["at"] for m in told] == [{"chapter_id": c, "offset": 0} for c in desk.chapters]
    orders = [m["story_order"] for m in told]
    assert all(n < order < n + 1 for n, order in enumerate(orders))


def test_what_has_a_place_stands_there_in_story_order(desk: Desk, api: Client) -> None:
    first, second, third = desk.chapters
    scene = desk.post("scenes", chapter_id=third, start=3, end=9, after_chapter_id=first)
    ahead = {"chapter_id": second, "start": 20, "after_chapter_id": third, "label": "后来"}
    later = desk.post("scenes", **ahead)
    inside = {"since_chapter_id": third, "since_offset": 5}
    state = desk.post("progressions", character_id=desk.shen, label="伤", text="手断了", **inside)
    span = {"since_chapter_id": first, "since_offset": 4, "until_chapter_id": second}
    bond = desk.post("relations", a=desk.shen, b=desk.lu, label="故人", **span)
    desk.post("facts", entity="渡口", attribute="船", value="一条")
    fact = desk.post("facts", entity="空砚", attribute="墨", value="干了", since_chapter_id=second,
                     since_offset=3)  # fmt: skip
    event = {"kind": "plant", "chapter_id": second, "offset": 9}
    thread = desk.post("threads", title="空砚", events=[event])

    told = moments(desk)
    assert [(m["kind"], m["id"], m["ends"]) for m in told] == [
        ("chapter", first, False),
        ("relation", bond["id"], False),
        ("scene", scene["id"], False),
        ("progression", state["id"], False),
        ("chapter", second, False),
        ("relation", bond["id"], True),
        ("fact", fact["id"], False),
        ("thread", thread["events"][0]["id"], False),
        ("chapter", third, False),
        ("scene", later["id"], False),
    ]
    orders = [m["story_order"] for m in told]
    assert orders == sorted(orders)
    by_kind = {m["kind"]: m for m in told}
    assert by_kind["relation"]["character_ids"] == [desk.shen, desk.lu]
    assert by_kind["thread"]["thread_id"] == thread["id"]
    # The chapter after which the other scene happens goes: nobody knows when it was.
    api.ok("DELETE", f"{desk.root}/chapters/{first}")
    told = moments(desk)
    undated = [m for m in told if m["story_order"] is None]
    assert told[-len(undated) :] == undated
    assert {m["id"] for m in undated} == {scene["id"], state["id"]}


def node(desk: Desk, title: str, parent: str | None = None, position: int = 0) -> str:
    fields = {"kind": "beat", "title": title, "parent_id": parent, "position": position}
    return str(desk.post("outline", **fields)["id"])


def tree(desk: Desk) -> dict[str | None, list[str]]:
    found: dict[str | None, list[str]] = {}
    for one in desk.api.ok("GET", f"{desk.root}/outline"):
        found.setdefault(one["parent_id"], []).append(one["title"])
    return found


def test_a_node_moves_among_its_siblings_and_to_others(desk: Desk, api: Client) -> None:
    a, b = node(desk, "甲"), node(desk, "乙", position=1)
    ones = [node(desk, str(n), a, n) for n in range(4)]

    def move(id: str, parent: str | None, position: int) -> None:
        wanted = {"parent_id": parent, "position": position}
        api.ok("POST", f"{desk.root}/outline/{id}/move", json=wanted)

    move(ones[3], a, 1)
    assert tree(desk)[a] == ["0", "3", "1", "2"]
    move(ones[0], a, 99)
    assert tree(desk)[a] == ["3", "1", "2", "0"]
    move(ones[1], b, 0)
    assert (tree(desk)[a], tree(desk)[b]) == (["3", "2", "0"], ["1"])
    move(ones[2], None, 1)
    assert tree(desk)[None] == ["甲", "2", "乙"]
    assert tree(desk)[a] == ["3", "0"]
    wanted = {"parent_id": ones[3], "position": 0}
    api.refused(422, "outline_cycle", "POST", f"{desk.root}/outline/{a}/move", json=wanted)
    assert tree(desk)[None] == ["甲", "2", "乙"]


def test_a_beat_is_ticked_off_and_coloured(desk: Desk, api: Client) -> None:
    path = f"{desk.root}/outline/{node(desk, '甲')}"
    told = api.ok("PATCH", path, json={"done": True, "color": "rouge"})
    assert (told["done"], told["color"]) == (True, "rouge")
    told = api.ok("PATCH", path, json={"done": False, "color": ""})
    assert (told["done"], told["color"]) == (False, "")
