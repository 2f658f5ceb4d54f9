"""Recaps in the background: what is made anew, by whom, in which order, and after a crash."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from retrieval.memory.fresh import AUTHOR, EXTRACTIVE, Status
from retrieval.memory.plan import Key, Level
from retrieval.template import load_template
from server import manuscript, ordering
from server.db import Database
from server.engines.scripted import Delay, ScriptedEngine, Text
from server.models import Chapter, Recap, Volume, Work
from server.recaps import hand
from server.recaps.extracting import extract_all
from server.recaps.jobs import Prompting, keep_told, next_job
from server.recaps.rows import Memory, load_memory
from server.recaps.worker import Recaps
from server.writing.running import Running

BY = Prompting("qwen", load_template("recap"))
NOW = timedelta(0)
STORY = "沈砚在渡口等船。老周头说水大，不渡。陆眠把砚台放在船头，说那就走旱路。"
GOOD = "沈砚在渡口等船，老周头说水大，不渡，陆眠说那就走旱路。"


def text(n: int) -> str:
    return "\n".join(f"{STORY}第{n}天的记号是印{n:03}号。" for _ in range(14))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'yanchi.db'}")
    database.migrate()
    yield database
    database.close()


def make_work(database: Database, volumes: list[int]) -> str:
    """A work with so many chapters in each volume; 0: no volume for the rest."""
    with database.session() as session:
        work = Work(title="试书")
        session.add(work)
        session.flush()
        n = 0
        for place, chapters in enumerate(volumes):
            volume = Volume(work_id=work.id, position=place, title=f"第{place + 1}卷")
            session.add(volume)
            session.flush()
            for _ in range(chapters):
                n += 1
                manuscript.add_chapter(session, work, f"第{n}章", text=text(n), volume_id=volume.id)
                session.flush()
        return work.id


def memory_of(database: Database, work: str) -> Memory:
    with database.reading() as session:
        return load_memory(session, work)


def save(database: Database, work: str, place: int, words: str) -> None:
    with database.session() as session:
        chapter = manuscript.list_chapters(session, work)[place]
        manuscript.save_text(session, chapter, words)


def refresh(database: Database, work: str) -> list[Key]:
    return list(extract_all(database, work))


def test_a_second_look_makes_nothing(database: Database) -> None:
    work = make_work(database, [3, 3, 2])
    assert len(refresh(database, work)) == 8 + 3 + 2
    assert refresh(database, work) == []


def test_an_edit_that_changes_no_recap_ends_there(database: Database) -> None:
    work = make_work(database, [3, 3])
    refresh(database, work)
    key = Key(Level.CHAPTER, memory_of(database, work).plan.chapters[1].id)
    save(database, work, 1, text(2) + "\n")
    assert refresh(database, work) == [key]


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_random_edits_refresh_their_branch_alone(database: Database, data: st.DataObject) -> None:
    work = make_work(database, [3, 3, 2])
    refresh(database, work)
    for n in range(2):
        place = data.draw(st.integers(0, 7))
        before = memory_of(database, work)
        save(database, work, place, text(100 + n))
        covering = {k for k, node in before.plan.nodes.items() if node.first <= place < node.stop}
        stale = {
            k for k, now in memory_of(database, work).statuses().items() if now is not Status.FRESH
        }
        assert stale == covering
        made = refresh(database, work)
        assert len(made) == len(set(made))
        assert Key(Level.CHAPTER, before.plan.chapters[place].id) in made
        assert set(made) <= covering
        after = memory_of(database, work)
        assert {k for k in after.recaps if after.recaps[k] != before.recaps[k]} == set(made)
        assert all(now is Status.FRESH for now in after.statuses().values())


def test_the_order_of_chapters_is_part_of_what_was_read(database: Database) -> None:
    work = make_work(database, [3, 3])
    refresh(database, work)
    with database.session() as session:
        first = manuscript.list_chapters(session, work)[0]
        ordering.move_chapter(session, first, 1)
    plan = memory_of(database, work).plan
    made = refresh(database, work)
    assert made[0] == plan.parts[0].key
    assert not any(key.level is Level.CHAPTER for key in made)


def test_recaps_of_a_deleted_chapter_go_and_of_a_restored_one_come_back(
    database: Database,
) -> None:
    work = make_work(database, [3, 2])
    refresh(database, work)
    before = memory_of(database, work)
    gone = before.plan.chapters[1].id
    with database.session() as session:
        ordering.bin_chapter(session, manuscript.get_chapter(session, work, gone))
    refresh(database, work)
    assert Key(Level.CHAPTER, gone) not in memory_of(database, work).recaps
    with database.session() as session:
        ordering.restore_chapter(session, work, gone)
    refresh(database, work)
    assert memory_of(database, work).recaps == before.recaps


def test_a_work_in_the_bin_or_without_text_has_nothing_to_do(database: Database) -> None:
    assert refresh(database, "0" * 32) == []
    work = make_work(database, [])
    assert refresh(database, work) == []
    assert next_job(database, work, BY) is None


KILLED = """
import os, sys
from server.db import Database
from server.recaps.extracting import extract_all
database = Database(sys.argv[1])
for n, _ in enumerate(extract_all(database, sys.argv[2]), 1):
    if n == int(sys.argv[3]):
        os._exit(9)
"""


def test_a_crash_leaves_whole_rows_and_the_rest_is_made_later(database: Database) -> None:
    work = make_work(database, [3, 3])
    done = subprocess.run(
        [sys.executable, "-c", KILLED, database.url, work, "4"],
        cwd=Path(__file__).resolve().parent.parent.parent, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 9, done.stderr
    half = memory_of(database, work)
    assert len(half.recaps) == 4
    assert all(half.statuses()[key] is Status.FRESH for key in half.recaps)
    made = refresh(database, work)
    assert len(made) == len(half.plan.nodes) - 4
    after = memory_of(database, work)
    assert {k: after.recaps[k] for k in half.recaps} == half.recaps


def tell(database: Database, work: str, **how: Any) -> Key | None:
    """Let a model that says something new of everything tell the next recap."""
    job = next_job(database, work, BY, quiet=how.pop("quiet", NOW), **how)
    if job is None:
        return None
    assert keep_told(database, job, f"{job.node.label}说的是：{GOOD}{'字' * 300}。")
    refresh(database, work)
    return job.node.key


def told_all(database: Database, work: str) -> list[Key]:
    told = []
    while (key := tell(database, work)) is not None:
        told.append(key)
    return told


def test_the_model_tells_chapters_from_the_last_then_what_reads_them(database: Database) -> None:
    work = make_work(database, [3, 3, 3])
    refresh(database, work)
    plan = memory_of(database, work).plan
    chapters = [Key(Level.CHAPTER, c.id) for c in plan.chapters]
    told = told_all(database, work)
    assert told[:9] == chapters[::-1]
    # The last volume still grows: its recap and skeleton are left to extraction.
    assert set(told[9:]) == {plan.parts[0].key, plan.parts[1].key, plan.skeleton(1).key}
    assert told[-1] == plan.skeleton(1).key
    after = memory_of(database, work)
    assert all(now is Status.FRESH for now in after.statuses().values())
    assert after.recaps[plan.parts[2].key].maker == EXTRACTIVE


def test_an_edit_after_the_model_told_all_is_extracted_at_once_then_told_again(
    database: Database,
) -> None:
    work = make_work(database, [2, 2])
    refresh(database, work)
    told_all(database, work)
    key = Key(Level.CHAPTER, memory_of(database, work).plan.chapters[0].id)
    save(database, work, 0, text(9))
    assert key in refresh(database, work)
    assert memory_of(database, work).recaps[key].maker == EXTRACTIVE
    assert "印009号" in memory_of(database, work).recaps[key].text
    assert tell(database, work, quiet=timedelta(minutes=1)) is None
    assert tell(database, work) == key


def test_another_template_has_the_model_tell_again_but_leaves_what_is_true(
    database: Database,
) -> None:
    work = make_work(database, [2])
    refresh(database, work)
    told_all(database, work)
    assert refresh(database, work) == []
    job = next_job(
        database, work, replace(BY, template=replace(BY.template, version="recap@2")), quiet=NOW
    )
    assert job is not None
    assert job.node.key.level is Level.CHAPTER


def test_what_the_model_told_of_a_text_that_changed_is_thrown_away(database: Database) -> None:
    work = make_work(database, [2])
    refresh(database, work)
    job = next_job(database, work, BY, quiet=NOW)
    assert job is not None
    save(database, work, 1, text(9))
    assert not keep_told(database, job, GOOD)
    refresh(database, work)
    assert not keep_told(database, job, GOOD)
    assert not any(r.by_model for r in memory_of(database, work).recaps.values())


def test_neither_extraction_nor_the_model_writes_over_the_author(database: Database) -> None:
    work = make_work(database, [2])
    refresh(database, work)
    job = next_job(database, work, BY, quiet=NOW)
    assert job is not None
    with database.session() as session:
        hand.write(session, work, job.node.key, "我自己写的。")
    save(database, work, job.node.first, text(9))
    refresh(database, work)
    assert not keep_told(database, job, GOOD)
    assert next_job(database, work, BY, [job.node.key], automatic=False) is None
    recap = memory_of(database, work).recaps[job.node.key]
    assert (recap.text, recap.maker) == ("我自己写的。", AUTHOR)


def test_short_chapters_are_left_to_extraction(database: Database) -> None:
    work = make_work(database, [1])
    save(database, work, 0, STORY)
    refresh(database, work)
    assert next_job(database, work, BY, quiet=NOW) is None
    key = next(iter(memory_of(database, work).plan.nodes))
    assert next_job(database, work, BY, [key], automatic=False) is not None


@asynccontextmanager
async def working(
    database: Database, engine: ScriptedEngine, running: Running | None = None, **how: Any
) -> Any:
    recaps = Recaps(database, engine, Running() if running is None else running, quiet=NOW, **how)
    recaps.start()
    try:
        yield recaps
    finally:
        await recaps.close()


async def wait_for(true: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not await asyncio.to_thread(true):
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


def makers(database: Database) -> list[str]:
    with database.reading() as session:
        query = select(Recap.maker).join(Chapter, Chapter.id == Recap.target_id)  # type: ignore[arg-type]
        return list(session.exec(query.where(Recap.level == "chapter").order_by(Chapter.position)))  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_with_a_gpu_the_model_works_unasked(database: Database) -> None:
    make_work(database, [2])
    engine = ScriptedEngine(script=[Text(GOOD)] * 4)
    async with working(database, engine, mode="auto", gpu=True):
        await wait_for(lambda: makers(database) == ["scripted", "scripted"])
    assert len(engine.requests) == 2


@pytest.mark.anyio
@pytest.mark.parametrize(("mode", "gpu"), [("auto", False), ("extractive", True)])
async def test_without_one_or_by_setting_it_does_not(
    database: Database, mode: Any, gpu: bool
) -> None:
    work = make_work(database, [2])
    engine = ScriptedEngine()
    async with working(database, engine, mode=mode, gpu=gpu) as recaps:
        assert await asyncio.to_thread(recaps.fresh, work, 60)
        await asyncio.sleep(0.1)
    assert makers(database) == [EXTRACTIVE, EXTRACTIVE]
    assert engine.requests == []


@pytest.mark.anyio
async def test_none_is_begun_while_somebody_writes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.recaps.worker.REST", 0.05)
    work = make_work(database, [2])
    engine, running = ScriptedEngine(script=[Text(GOOD)] * 4), Running()
    with running.ticket("g", "c"):
        async with working(database, engine, running, mode="model") as recaps:
            await wait_for(lambda: makers(database) == [EXTRACTIVE, EXTRACTIVE])
            await asyncio.sleep(0.2)
            assert engine.requests == []
            with database.reading() as session:
                assert recaps.by(session, work) is not None
    async with working(database, engine, mode="model"):
        await wait_for(lambda: makers(database) == ["scripted", "scripted"])


@pytest.mark.anyio
async def test_one_that_runs_is_dropped_when_somebody_begins(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.recaps.worker.REST", 0.05)
    make_work(database, [1])
    engine, running = ScriptedEngine(script=[Delay(60), Text(GOOD)]), Running()
    async with working(database, engine, running, mode="model"):
        await wait_for(lambda: engine.running == 1)
        with running.ticket("g", "c"):
            begun = time.monotonic()
            await wait_for(lambda: engine.running == 0)
            assert time.monotonic() - begun < 1
            assert makers(database) == [EXTRACTIVE]
        await wait_for(lambda: makers(database) == ["scripted"])


@pytest.mark.anyio
async def test_a_model_that_starts_late_is_waited_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.recaps.worker.AGAIN", 0.05)
    make_work(database, [1])
    engine = ScriptedEngine(script=[Text(GOOD)])
    engine.state = "starting"
    async with working(database, engine, mode="model"):
        await wait_for(lambda: makers(database) == [EXTRACTIVE])
        await asyncio.sleep(0.1)
        assert engine.requests == []
        engine.state = "ready"
        await wait_for(lambda: makers(database) == ["scripted"])


@pytest.mark.anyio
async def test_a_recap_the_model_fails_at_is_tried_twice_and_not_again(
    database: Database,
) -> None:
    make_work(database, [1])
    engine = ScriptedEngine(script=[Text("")] * 9)
    async with working(database, engine, mode="model") as recaps:
        await wait_for(lambda: len(engine.requests) == 2)
        await asyncio.sleep(0.2)
        recaps.request(memory_work(database))
        await asyncio.sleep(0.2)
    assert len(engine.requests) == 2
    async with working(database, engine, mode="model"):
        await asyncio.sleep(0.2)
    assert len(engine.requests) == 2


def memory_work(database: Database) -> str:
    with database.reading() as session:
        return manuscript.list_works(session)[0].id
