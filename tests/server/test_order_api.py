"""The order of the telling: volumes and chapters moved one by one and all at once."""

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from server.db import Database
from server.errors import Invalid
from server.manuscript import add_chapter, list_chapters, list_volumes
from server.models import Volume, Work
from server.ordering import arrange, bin_chapter, into_volume, move_volume, restore_chapter
from tests.server.conftest import Client


def shelf(api: Client) -> tuple[str, list[str], list[str]]:
    """A work with two volumes and five chapters in none: its id, theirs."""
    work, ids = api.book({f"其{n}": f"第{n}段。" for n in "一二三四五"})
    root = f"/api/works/{work}/volumes"
    volumes = [api.ok("POST", root, json={"title": t})["id"] for t in ("上卷", "下卷")]
    return work, ids, volumes


def order(api: Client, work: str) -> list[str]:
    chapters = api.ok("GET", f"/api/works/{work}/chapters")
    assert [c["position"] for c in chapters] == list(range(len(chapters)))
    return [c["id"] for c in chapters]


def test_the_whole_order_is_put_at_once(api: Client) -> None:
    work, (a, b, c, d, e), (up, down) = shelf(api)
    api.ok("PATCH", f"/api/works/{work}/chapters/{a}", json={"status": "locked"})
    wanted = {
        "volumes": [{"id": down, "chapters": [e, a]}, {"id": up, "chapters": [c]}],
        "loose": [d, b],
    }
    answer = api.ok("PUT", f"/api/works/{work}/order", json=wanted)
    assert [v["id"] for v in answer["volumes"]] == [down, up]
    assert [(x["id"], x["volume_id"], x["label"]) for x in answer["chapters"]] == [
        (d, None, "第一章"), (b, None, "第二章"), (e, down, "第三章"), (a, down, "第四章"),
        (c, up, "第五章"),
    ]  # fmt: skip
    assert order(api, work) == [d, b, e, a, c]


def test_an_order_that_leaves_out_or_repeats_is_refused_and_changes_nothing(api: Client) -> None:
    work, (a, b, c, d, e), (up, down) = shelf(api)
    path = f"/api/works/{work}/order"

    def put(loose: list[str], *volumes: tuple[str, list[str]]) -> str:
        body = {"loose": loose, "volumes": [{"id": v, "chapters": ids} for v, ids in volumes]}
        return api.refused(422, "order_incomplete", "PUT", path, json=body)

    assert "其三" in put([a, b, d], (up, [e]), (down, []))
    assert "其一" in put([a, b, c, d, e], (up, [a]), (down, []))
    assert "下卷" in put([a, b, c, d, e], (up, []))
    assert "上卷" in put([a, b, c], (up, [d]), (up, [e]), (down, []))
    assert "1 个编号" in put([a, b, c, d, e, "0" * 32], (up, []), (down, []))
    api.ok("DELETE", f"/api/works/{work}/chapters/{e}")
    put([a, b, c, d, e], (up, []), (down, []))
    assert order(api, work) == [a, b, c, d]


def test_a_volume_moves_with_its_chapters(api: Client) -> None:
    work, (a, b, c, d, e), (up, down) = shelf(api)
    wanted = {
        "volumes": [{"id": up, "chapters": [b, c]}, {"id": down, "chapters": [d, e]}],
        "loose": [a],
    }
    api.ok("PUT", f"/api/works/{work}/order", json=wanted)
    path = f"/api/works/{work}/volumes/{down}"
    assert api.ok("PATCH", path, json={"position": 0})["position"] == 0
    assert order(api, work) == [a, d, e, b, c]
    assert [v["id"] for v in api.ok("GET", f"/api/works/{work}/volumes")] == [down, up]
    assert api.ok("PATCH", path, json={"title": "终卷"})["title"] == "终卷"
    assert order(api, work) == [a, d, e, b, c]


def test_what_joins_a_volume_stands_at_its_end(api: Client) -> None:
    work, (a, b, c, d, e), (up, down) = shelf(api)
    root = f"/api/works/{work}/chapters"
    for chapter, volume in ((d, up), (e, down), (b, up)):
        api.ok("PATCH", f"{root}/{chapter}", json={"volume_id": volume})
    assert order(api, work) == [a, c, d, b, e]
    new = api.ok("POST", root, json={"title": "新", "volume_id": up})["id"]
    assert order(api, work) == [a, c, d, b, new, e]
    placed = {"title": "又", "volume_id": down, "position": 5}
    first = api.ok("POST", root, json=placed)["id"]
    assert order(api, work) == [a, c, d, b, new, first, e]


def test_a_chapter_comes_back_into_its_volume(api: Client) -> None:
    work, (a, b, c, d, e), (up, down) = shelf(api)
    volumes = [{"id": up, "chapters": [a, b]}, {"id": down, "chapters": [c, d, e]}]
    api.ok("PUT", f"/api/works/{work}/order", json={"volumes": volumes})
    root = f"/api/works/{work}/chapters"
    api.ok("DELETE", f"{root}/{a}")
    api.ok("PATCH", f"/api/works/{work}/volumes/{down}", json={"position": 0})
    assert order(api, work) == [c, d, e, b]
    api.ok("POST", f"{root}/{a}/restore")
    assert order(api, work) == [c, d, e, a, b]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    folder: Path = tmp_path_factory.mktemp("order")
    database = Database(f"sqlite:///{folder / 'yanchi.db'}")
    database.migrate()
    return database


def told(session: Session, work: Work) -> list[str]:
    """The chapters in order; every place once, and what a volume holds in one piece."""
    chapters = list_chapters(session, work.id)
    assert [c.position for c in chapters] == list(range(len(chapters)))
    return [c.id for c in chapters]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 8), st.integers(0, 3), st.randoms(use_true_random=False))
def test_an_order_holds_every_chapter_exactly_once(
    database: Database, chapters: int, volumes: int, chance: random.Random
) -> None:
    with database.session() as session:
        work = Work(title="书")
        session.add(work)
        session.flush()
        rows = [Volume(work_id=work.id, position=n, title=str(n)) for n in range(volumes)]
        session.add_all(rows)
        ids = [add_chapter(session, work, str(n)).id for n in range(chapters)]
        session.flush()
        chance.shuffle(rows)
        chance.shuffle(ids)
        cuts = sorted(chance.randint(0, chapters) for _ in rows)
        ends = [*cuts[1:], chapters][:volumes]
        held = [(v.id, ids[a:b]) for v, a, b in zip(rows, cuts, ends, strict=True)]
        loose = ids[: cuts[0]] if cuts else ids
        arrange(session, work.id, loose, held)
        session.flush()

        assert told(session, work) == ids
        assert [v.id for v in list_volumes(session, work.id)] == [v.id for v in rows]
        owners = {c.id: c.volume_id for c in list_chapters(session, work.id)}
        assert owners == dict.fromkeys(loose) | {i: v for v, own in held for i in own}
        for wrong in _broken(ids, chance):
            with pytest.raises(Invalid, match="次序"):
                arrange(session, work.id, wrong, [(v.id, []) for v in rows])


def _broken(ids: list[str], chance: random.Random) -> list[list[str]]:
    if not ids:
        return [["0" * 32]]
    one = chance.choice(ids)
    return [[i for i in ids if i != one], [*ids, one], ["0" * 32 if i == one else i for i in ids]]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_no_single_move_loses_a_chapter_or_tears_a_volume(
    database: Database, owners: list[int], chance: random.Random
) -> None:
    with database.session() as session:
        work = Work(title="书")
        session.add(work)
        session.flush()
        rows = [Volume(work_id=work.id, position=n, title=str(n)) for n in range(3)]
        session.add_all(rows)
        made = {
            add_chapter(session, work, str(n)).id: owner for n, owner in enumerate(sorted(owners))
        }
        volumes: list[Any] = [(v.id, [i for i, o in made.items() if o == n + 1])
                              for n, v in enumerate(rows)]  # fmt: skip
        arrange(session, work.id, [i for i, o in made.items() if o == 0], volumes)
        for _ in range(4):
            session.flush()
            chapter = chance.choice(list_chapters(session, work.id))
            if chance.random() < 0.3:
                bin_chapter(session, chapter)
                move_volume(session, chance.choice(rows), chance.randint(0, 4))
                session.flush()
                restore_chapter(session, work.id, chapter.id)
            elif chance.random() < 0.5:
                into_volume(session, chapter, chance.choice(rows).id)
            else:
                move_volume(session, chance.choice(rows), chance.randint(0, 4))
            session.flush()
            assert set(told(session, work)) == made.keys()
            order = [c.volume_id for c in list_chapters(session, work.id) if c.volume_id]
            ranks = [v.id for v in list_volumes(session, work.id)]
            assert order == sorted(order, key=ranks.index)
