"""Places in a chapter survive its editing."""

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server import voices
from server.db import Database
from server.edits import MOST_LINES, Edit, edits_between, moved
from server.manuscript import add_chapter, chapter_text, save_text
from server.models import (
    Chapter,
    Character,
    Fact,
    Lorebook,
    LoreEntry,
    Progression,
    Relation,
    Scene,
    Thread,
    ThreadEvent,
    Work,
)

TEXTS = st.text(alphabet="山水人\n", max_size=40)


def applied(old: str, new: str, edits: list[Edit]) -> str:
    """`old` with the edits made, which take their words from `new`."""
    made, done, shift = "", 0, 0
    for edit in edits:
        at = edit.start + shift
        made += old[done : edit.start] + new[at : at + edit.length]
        done = edit.end
        shift += edit.length - (edit.end - edit.start)
    return made + old[done:]


@settings(deadline=None, max_examples=300)
@given(TEXTS, TEXTS)
def test_edits_are_what_turns_one_text_into_the_other(old: str, new: str) -> None:
    edits = edits_between(old, new)
    assert applied(old, new, edits) == new
    assert all(e.start < e.end or e.length for e in edits)
    assert (edits == []) is (old == new)


@settings(deadline=None, max_examples=300)
@given(TEXTS, TEXTS, st.sampled_from(["start", "end"]), st.sampled_from(["start", "end", None]))
def test_an_offset_stays_with_its_words_and_never_overtakes_another(
    old: str, new: str, edge: str, at_insertion: str | None
) -> None:
    edits = edits_between(old, new)
    places = [moved(edits, n, edge, at_insertion) for n in range(len(old) + 1)]  # type: ignore[arg-type]
    assert all(0 <= place <= len(new) for place in places)
    assert places == sorted(places)
    for n, place in enumerate(places[:-1]):
        if not any(e.start <= n < e.end or e.start == n for e in edits):
            assert new[place] == old[n]


@settings(deadline=None, max_examples=200)
@given(TEXTS, TEXTS, TEXTS, st.integers(0, 40))
def test_what_stands_before_or_behind_one_change_keeps_its_distance(
    before: str, out: str, behind: str, at: int
) -> None:
    old, new = before + out + behind, before + "雪" + behind
    edits = edits_between(old, new)
    at = min(at, len(old))
    place = moved(edits, at, "end")
    if at < len(before):
        assert place <= len(before)
        assert old[:at] == new[:place]
    elif at > len(before) + len(out):
        assert len(new) - place == len(old) - at


def test_two_corrections_leave_what_lies_between_in_its_place() -> None:
    old = "从前有座山。\n" + "中间不动。\n" * 3 + "末了下雨。\n"
    new = "很久很久以前有座山。\n" + "中间不动。\n" * 3 + "末了下了一夜的雨。\n"
    middle = old.index("中间")
    place = moved(edits_between(old, new), middle + 2, "end")
    assert place == new.index("中间") + 2
    assert len(edits_between(old, new)) == 2


def test_a_text_of_very_many_lines_is_one_change() -> None:
    old = "首\n" + "山\n水\n" * MOST_LINES
    new = "头\n" + "山\n人\n" * MOST_LINES
    assert len(edits_between(old, new)) == 1


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path / 'yanchi.db'}")
    database.migrate()
    return database


TEXT = "雨下了一夜。\n沈砚把伞靠在门边。\n他想起了十年前的渡口。\n天亮了。"
MEMORY = "他想起了十年前的渡口。"


class Book:
    """One chapter with a scene, a progression, a fact and a lore entry in it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        start = TEXT.index(MEMORY)
        end = start + len(MEMORY)
        with database.session() as session:
            work = Work(title="试书")
            session.add(work)
            session.flush()
            chapter = add_chapter(session, work, "第一章", text=TEXT)
            character = Character(work_id=work.id, name="沈砚")
            book = Lorebook(work_id=work.id)
            session.add_all([character, book])
            session.flush()
            self.chapter_id = chapter.id
            known = [{"character_id": character.id, "chapter_id": chapter.id, "offset": end}]
            here: dict[str, Any] = {"since_chapter_id": chapter.id, "since_offset": end}
            scene = Scene(work_id=work.id, chapter_id=chapter.id, start=start, end=end)
            progression = Progression(
                work_id=work.id, character_id=character.id, label="伞", text="在门边",
                since_chapter_id=chapter.id, since_offset=TEXT.index("他想"),
                until_chapter_id=chapter.id, until_offset=len(TEXT),
            )  # fmt: skip
            fact = Fact(
                work_id=work.id, entity="渡口", attribute="时间", value="十年前", **here,
                known_by=known, evidence=MEMORY, evidence_chapter_id=chapter.id,
                evidence_start=start, evidence_end=end, evidence_revision=1,
            )  # fmt: skip
            entry = LoreEntry(lorebook_id=book.id, keys=["渡口"], **here)
            session.add_all([scene, progression, fact, entry])
            self.scene, self.progression, self.fact, self.entry = (
                scene.id, progression.id, fact.id, entry.id,
            )  # fmt: skip

    def save(self, text: str) -> tuple[Scene, Progression, Fact, LoreEntry]:
        with self.database.session() as session:
            chapter = session.get_one(Chapter, self.chapter_id)
            save_text(session, chapter, text)
        with self.database.reading() as session:
            chapter = session.get_one(Chapter, self.chapter_id)
            assert chapter_text(session, chapter) == text
            return (
                session.get_one(Scene, self.scene),
                session.get_one(Progression, self.progression),
                session.get_one(Fact, self.fact),
                session.get_one(LoreEntry, self.entry),
            )


def test_saving_moves_scenes_progressions_facts_and_lore(database: Database) -> None:
    new = "那年冬天，" + TEXT
    scene, progression, fact, entry = Book(database).save(new)

    start, end = new.index(MEMORY), new.index(MEMORY) + len(MEMORY)
    assert (scene.start, scene.end) == (start, end)
    assert (progression.since_offset, progression.until_offset) == (start, len(new))
    assert (fact.evidence_start, fact.evidence_end, fact.evidence_revision) == (start, end, 2)
    assert fact.since_offset == end
    assert fact.known_by is not None
    assert fact.known_by[0]["offset"] == end
    assert entry.since_offset == end


def test_evidence_whose_words_changed_stays_behind_until_they_come_back(
    database: Database,
) -> None:
    book = Book(database)
    *_, fact, _ = book.save(TEXT.replace("十年前", "九年前"))
    assert fact.evidence_revision == 1
    *_, fact, _ = book.save(TEXT)
    assert fact.evidence_revision == 3
    assert TEXT[fact.evidence_start : fact.evidence_end] == MEMORY


def test_what_is_written_on_behind_evidence_does_not_delay_the_fact(database: Database) -> None:
    new = TEXT.replace(MEMORY, MEMORY + "那时水大。")
    scene, _, fact, entry = Book(database).save(new)
    assert fact.since_offset == new.index(MEMORY) + len(MEMORY)
    # What has no evidence begins behind what was inserted: rather later than too early.
    assert entry.since_offset == new.index("那时水大。") + 5
    assert scene.end == entry.since_offset


def test_a_rewritten_chapter_shows_what_began_in_it_only_from_its_end(
    database: Database,
) -> None:
    new = "全都改了"
    scene, progression, fact, entry = Book(database).save(new)
    assert (scene.start, scene.end) == (0, len(new))
    assert {progression.since_offset, fact.since_offset, entry.since_offset} == {len(new)}
    assert fact.evidence_revision == 1


def test_another_chapter_s_places_stay(database: Database) -> None:
    book = Book(database)
    with database.session() as session:
        work = session.get_one(Work, session.get_one(Chapter, book.chapter_id).work_id)
        other = add_chapter(session, work, "第二章", text="另一章。")
        save_text(session, other, "完全不同的另一章。")
        fact = session.get_one(Fact, book.fact)
        assert (fact.evidence_start, fact.evidence_revision) == (TEXT.index(MEMORY), 1)


def test_whatever_is_saved_events_and_voices_stay_with_their_words(database: Database) -> None:
    dice = random.Random(11)
    lines = TEXT.splitlines(keepends=True)
    with database.session() as session:
        work = Work(title="试书")
        session.add(work)
        session.flush()
        chapter = add_chapter(session, work, "第一章", text=TEXT)
        people = [Character(work_id=work.id, name=name) for name in ("沈砚", "陆眠")]
        people[0].voice = voices.placed(session, work.id, [MEMORY, "十年前的渡口，天亮了。"])
        thread = Thread(work_id=work.id, title="渡口")
        session.add_all([*people, thread])
        session.flush()
        end = TEXT.index(MEMORY) + len(MEMORY)
        event = ThreadEvent(
            thread_id=thread.id, kind="plant", chapter_id=chapter.id, offset=end, quote=MEMORY
        )
        relation = Relation(
            work_id=work.id, a=people[0].id, b=people[1].id, label="故人",
            since_chapter_id=chapter.id, since_offset=end,
        )  # fmt: skip
        session.add_all([event, relation])
        session.flush()
        found = 0
        for _ in range(200):
            text = "".join(dice.choices([*lines, "那时水大。\n"], k=dice.randrange(7)))
            save_text(session, chapter, text)
            assert 0 <= relation.since_offset <= len(text)
            assert 0 <= event.offset <= len(text)
            stands = text[: event.offset].endswith(MEMORY)
            assert stands is not event.quote_changed
            assert stands or text.count(MEMORY) != 1
            found += stands
            for line in people[0].voice:
                for piece in line["pieces"]:
                    first = text.find(piece["words"])
                    behind = (chapter.id, first + len(piece["words"])) if first >= 0 else (None, 0)
                    assert (piece["chapter_id"], piece["offset"]) == behind
        assert found > 50
