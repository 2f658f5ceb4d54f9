"""What was written on which day of the machine's calendar."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from server import days
from server.db import Database
from server.manuscript import add_chapter, save_text
from server.models import ChapterRevision, Work, now
from tests.server.conftest import Client


@pytest.fixture
def shanghai(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine eight hours before UTC."""
    monkeypatch.setenv("TZ", "CST-8")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def save(api: Client, path: str, *texts: str, origin: str = "typed") -> None:
    for text in texts:
        api.ok("PUT", path, json={"text": text, "origin": origin})


def test_today_counts_what_grew_and_takes_nothing_back(api: Client) -> None:
    work, (first,) = api.book({"雨夜": ""})
    path = f"/api/works/{work}/chapters/{first}"
    save(api, path, "雨下了一夜。", "雨。", "雨停了。")
    save(api, path, "雨停了。别处写的。", origin="synced")
    save(api, path, "雨停了。别处写的。贴来的一大段。", origin="pasted")
    save(api, path, "雨停了。别处写的。贴来的一大段。改写了。", origin="rewritten")
    today = {"typed": 6 + 2 + 5, "accepted": 4}
    assert api.ok("GET", f"/api/works/{work}")["today"] == 17
    assert today.items() <= api.ok("GET", "/api/today").items()
    *rest, last = api.ok("GET", f"/api/works/{work}/days?days=3")
    assert last == {"day": days.today().isoformat()} | today
    assert [(d["typed"], d["accepted"]) for d in rest] == [(0, 0), (0, 0)]
    api.ok("POST", f"{path}/revisions/1/restore")
    assert api.ok("GET", f"/api/works/{work}")["today"] == 17


def test_today_adds_up_what_stands_on_the_shelf(api: Client) -> None:
    one, _ = api.book({"甲": "雨下了一夜。"})
    other, (chapter,) = api.book({"乙": "雨停了。"})
    api.ok("PATCH", f"/api/works/{one}", json={"goal": 2000})
    api.ok("PATCH", f"/api/works/{other}", json={"goal": 500})
    assert api.ok("GET", "/api/today") == {"typed": 10, "accepted": 0, "goal": 2500}
    # What was written counts though its chapter was thrown away.
    api.ok("DELETE", f"/api/works/{other}/chapters/{chapter}")
    assert api.ok("GET", "/api/today")["typed"] == 10
    api.ok("DELETE", f"/api/works/{one}")
    assert api.ok("GET", "/api/today") == {"typed": 4, "accepted": 0, "goal": 500}


def test_an_imported_book_was_not_written_today(api: Client) -> None:
    text = "第一章　雨夜\n\n雨下了一夜。\n".encode()
    upload = api.ok("POST", "/api/imports", files={"file": ("书.txt", text)})["upload"]
    api.ok("POST", f"/api/imports/{upload}/commit", json={})
    assert api.ok("GET", "/api/today")["typed"] == 0


@pytest.mark.usefixtures("shanghai")
def test_a_day_begins_at_this_machine_s_midnight(api: Client) -> None:
    work, (first,) = api.book({"雨夜": "一。"})
    path = f"/api/works/{work}/chapters/{first}"
    save(api, path, "一。二二。", "一。二二。三三三。")
    midnight = datetime.combine(days.today(), datetime.min.time()).astimezone(UTC)
    assert midnight.hour == 16
    times = {1: -timedelta(days=9), 2: -timedelta(seconds=1), 3: timedelta(0)}
    with api.desk.database.session() as session:
        for row in session.exec(select(ChapterRevision)):
            row.created_at = midnight + times[row.number]
    found = api.ok("GET", f"/api/works/{work}/days?days=9")
    assert [d["typed"] for d in found] == [0] * 7 + [3, 4]
    assert api.ok("GET", f"/api/works/{work}")["today"] == 4
    assert api.ok("GET", f"/api/works/{work}/days?days=10")[0]["typed"] == 2
    for wrong in (0, 401):
        api.refused(422, "invalid_request", "GET", f"/api/works/{work}/days?days={wrong}")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('days') / 'yanchi.db'}")
    database.migrate()
    return database


SAVES = st.lists(
    st.tuples(
        st.text("山水。 \n", max_size=30),
        st.sampled_from([*days.TYPED, *days.ACCEPTED, "pasted", "import", "restored"]),
        st.integers(0, 20),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=60)
@given(SAVES)
def test_no_day_is_negative_and_today_is_the_last_of_them(
    database: Database, saves: list[tuple[str, str, int]]
) -> None:
    with database.session() as session:
        work = Work(title="书")
        session.add(work)
        session.flush()
        chapter = add_chapter(session, work, "一")
        grew: dict[date, int] = {}
        for text, origin, ago in saves:
            before = chapter.chars
            revision = save_text(session, chapter, text, origin=origin)
            if revision is None:
                continue
            revision.created_at = now() - timedelta(days=ago)
            if origin in days.TYPED | days.ACCEPTED:
                day = revision.created_at.astimezone().date()
                grew[day] = grew.get(day, 0) + max(0, chapter.chars - before)
        session.flush()
        written = days.written_by_day(session, work.id, 30)
        assert list(written) == sorted(written)
        assert len(written) == 30
        assert all(w.typed >= 0 and w.accepted >= 0 for w in written.values())
        assert {d: w.all for d, w in written.items() if w.all} == {
            d: n for d, n in grew.items() if n
        }
        today = days.written_today(session).get(work.id, days.Written())
        assert today == written[days.today()]
