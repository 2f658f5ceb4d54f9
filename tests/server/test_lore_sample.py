"""The sample's lorebook: at each place of the novel it tells what is known by then."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import Session

from retrieval.lore import Activation, activate
from retrieval.timeline import View
from server.lore_plain import load_lore, spot_in_chapter
from server.manuscript import chapter_text, list_chapters, list_characters
from server.models import Work
from server.sample import load_story
from server.settings import SAMPLE
from tests.server.conftest import make_desk


@pytest.fixture
def book(tmp_path: Path) -> Iterator[tuple[Session, Work]]:
    desk = make_desk(tmp_path)
    with desk.database.session() as session:
        yield session, load_story(session, SAMPLE)
    desk.database.close()


def called(
    book: tuple[Session, Work], chapter: int, after: str, beat: str = "", knower: str | None = None
) -> Activation:
    session, work = book
    row = list_chapters(session, work.id)[chapter - 1]
    offset = chapter_text(session, row).index(after) + len(after)
    spot = spot_in_chapter(session, work.id, row.id, offset, beat)
    who = next((c.id for c in list_characters(session, work.id) if c.name == knower), None)
    view = View(spot.position, who)
    return activate(load_lore(session, work.id), spot.turns, view, seed=spot.seed)


def names(result: Activation) -> set[str]:
    return {h.entry.name for h in result.hits}


def test_every_entry_has_a_way_in(book: tuple[Session, Work]) -> None:
    session, work = book
    (plain,) = load_lore(session, work.id)
    assert 12 <= len(plain.entries) <= 20
    assert all(e.constant or e.keys for e in plain.entries)
    assert any(e.validity.known_by for e in plain.entries)
    text = "\n".join(chapter_text(session, c) for c in list_chapters(session, work.id))
    result = activate([plain], [text], View(), seed="")
    missing = {e.name for e in plain.entries} - names(result)
    assert missing <= {"江雾", "江风", "代书的规矩"}, "but for dice, a group and NOT_ANY"
    assert result.faults == ()


def test_who_the_boatman_is_stays_hidden_until_he_says_it(book: tuple[Session, Work]) -> None:
    early = called(book, 2, "秦驼子用手撑住膝盖，慢慢站起身", beat="秦驼子望着小满。")
    assert "秦驼子是谁" not in names(early)
    assert "此时还没有发生" in {e.name: why for e, why in early.skipped}["秦驼子是谁"]
    late = called(book, 8, "罗长庚在船尾低头盘缆绳", beat="秦驼子望着岸上。")
    assert "秦驼子是谁" in names(late)
    ignorant = called(book, 8, "罗长庚在船尾低头盘缆绳", beat="秦驼子望着岸上。", knower="邹莲")
    assert "秦驼子是谁" not in names(ignorant)


def test_a_customer_does_not_know_the_sign_before_she_is_taught(
    book: tuple[Session, Work],
) -> None:
    beat = "邹莲又看了看“平安”两个字。"
    assert "三个平安" in names(called(book, 2, "邹莲那一封，念到申时", beat))
    assert "三个平安" not in names(called(book, 2, "邹莲那一封，念到申时", beat, "邹莲"))
    assert "三个平安" in names(called(book, 6, "邹莲穿着我的旧夹袄", beat, "邹莲"))
