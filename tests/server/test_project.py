"""A project's file holds the whole work: exported, imported and exported again it is the same."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from sqlmodel import select

from retrieval.memory.plan import Key, Level
from retrieval.template import load_template
from server import models
from server.db import Database
from server.errors import YanchiError
from server.exporting.formats import export_work
from server.exporting.manuscript import Wish
from server.portraits import put_portrait
from server.project.keeping import keep_project
from server.project.reading import read_project
from server.project.tables import TABLES, UNTOLD, told_columns
from server.recaps import hand
from server.sample import load_story
from server.settings import SAMPLE
from server.templates import save
from tests.server.conftest import Client
from tests.server.projects import fill


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    found = Database("sqlite:///:memory:")
    found.migrate()
    yield found
    found.close()


def exported(database: Database, work_id: str, history: bool = False) -> bytes:
    with database.reading() as session:
        work = session.get_one(models.Work, work_id)
        return export_work(session, work, "zip", Wish(history=history))


def imported(database: Database, data: bytes) -> str:
    with database.session() as session:
        work, doubts = keep_project(session, read_project(data))
        assert doubts == []
        return work.id


def manifest(data: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return json.loads(archive.read("project.json"))  # type: ignore[no-any-return]


def changed(data: bytes, change: Callable[[dict[str, Any]], None], **files: bytes) -> bytes:
    """The project with another manifest, and other files beside it."""
    told = manifest(data)
    change(told)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            if name != "project.json":
                new.writestr(name, files.pop(name, old.read(name)))
        new.writestr("project.json", json.dumps(told))
        for name, content in files.items():
            new.writestr(name, content)
    return made.getvalue()


# --- the same again -------------------------------------------------------------------------------


@given(data=st.data(), history=st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_imported_exports_to_the_same_bytes(
    database: Database, data: st.DataObject, history: bool
) -> None:
    with database.session() as session:
        work = fill(data.draw, session).id
    first = exported(database, work, history)
    again = imported(database, first)
    assert again != work
    second = exported(database, again, history)
    assert manifest(second) == manifest(first)
    assert second == first


@pytest.fixture(scope="module")
def sample(database: Database) -> str:
    """The sample novel with what it lacks: a portrait, a recap by hand, a template, a snapshot."""
    with database.session() as session:
        work = load_story(session, SAMPLE)
        person = session.exec(
            select(models.Character).where(models.Character.work_id == work.id)
        ).first()
        assert person is not None
        drawn = io.BytesIO()
        Image.radial_gradient("L").save(drawn, "PNG")
        put_portrait(session, person, drawn.getvalue())
        chapter = session.exec(
            select(models.Chapter).where(models.Chapter.work_id == work.id)
        ).first()
        assert chapter is not None
        hand.write(session, work.id, Key(Level.CHAPTER, chapter.id), "他回来了。")
        session.add(models.Recap(
            work_id=work.id, level="book", target_id=models.new_id(), text="从前。", maker="author"))  # fmt: skip
        shipped = load_template("continuation")
        parts = (shipped.system + "写。", shipped.user, shipped.assistant)
        save(session, "continuation", parts, work.id)
        chapter.context = {"pinned": [f"character:{person.id}"], "excluded": []}
        session.add(chapter)
        paper = models.Document(
            work_id=work.id, title="砚谱", filename="砚谱.pdf", form="pdf", sha256="0" * 64, size=9,
            pages=2, doubts=["第 2 页是图"],
        )  # fmt: skip
        session.add(paper)
        session.add(models.DocumentPart(
            document_id=paper.id, position=0, title="一", text="端石出端溪。", pages=[[0, 1], [3, 2]]))  # fmt: skip
        return work.id


def test_the_sample_comes_back_with_all_that_it_had(database: Database, sample: str) -> None:
    data = exported(database, sample)
    again = imported(database, data)
    assert exported(database, again) == data
    told = manifest(data)
    assert (told["format"], told["version"]) == ("yanchi-project", 1)
    full = {name for name, rows in told["tables"].items() if rows}
    assert full >= {
        "chapters", "characters", "outline", "lorebooks", "lore_entries", "progressions", "facts",
        "relations", "threads", "thread_events", "templates", "recaps", "documents",
        "document_parts",
    }  # fmt: skip
    with database.reading() as session:
        for table in TABLES:
            counts = [len(session.exec(select(table.model).where(table.mine(w))).all())
                      for w in (sample, again)]  # fmt: skip
            assert counts[0] == counts[1], table.name


def test_no_id_and_no_time_of_this_desk_is_in_the_file(database: Database, sample: str) -> None:
    with database.reading() as session:
        rows = [r for t in TABLES for r in session.exec(select(t.model).where(t.mine(sample)))]
    data = exported(database, sample)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        text = b"".join(archive.read(name) for name in archive.namelist())
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert rows
    assert not [row for row in rows if row.id.encode() in text]  # type: ignore[attr-defined]


def test_every_table_that_belongs_to_a_work_is_in_the_file_or_is_left_out_on_purpose() -> None:
    """A table made later is either one more entry, or one more name here."""
    left_out = {
        "Work", "ChapterRevision", "Portrait",  # in the file by other ways
        "Generation",  # prompts of this desk's engine
        "Upload",
    }  # fmt: skip
    own = {
        name for name in models.__all__
        if isinstance(cls := getattr(models, name), type) and hasattr(cls, "__tablename__")
        and (
            "work_id" in cls.model_fields
            or {"chapter_id", "thread_id", "lorebook_id", "character_id"} & cls.model_fields.keys()
        )
    }  # fmt: skip
    told = {table.model.__name__ for table in TABLES}
    personas = {"Persona", "Avatar", "Conversation", "ChatMessage"}
    assert own - told - left_out <= personas
    for table in TABLES:
        assert {*table.refs, *table.inner} <= {*told_columns(table)}
        named = {c for c in table.model.model_fields if c.endswith("_id")} - UNTOLD
        assert named <= table.refs.keys(), table.name


def test_history_brings_every_revision(api: Client) -> None:
    work, (chapter, *_) = api.book()
    path = f"/api/works/{work}/chapters/{chapter}"
    api.ok("PUT", path, json={"text": "新的一夜。"})
    api.ok("POST", f"{path}/snapshots", json={"label": "初稿"})
    for history, count in ((False, 1), (True, 2)):
        data = api.http.get(
            f"/api/works/{work}/export", params={"format": "zip", "history": history}
        ).content
        upload = api.ok("POST", "/api/imports", files={"file": ("书.zip", data)})["upload"]
        made = api.ok("POST", f"/api/imports/{upload}/commit", json={})["work"]
        first = api.ok("GET", f"/api/works/{made}/chapters")[0]["id"]
        found = api.ok("GET", f"/api/works/{made}/chapters/{first}/revisions")
        assert len(found) == count
        assert (found[0]["label"] == "初稿") == history
        assert api.ok("GET", f"/api/works/{made}/chapters/{first}")["text"] == "新的一夜。"


def test_a_project_goes_through_preview_and_commit(api: Client) -> None:
    with api.desk.database.session() as session:
        work = load_story(session, SAMPLE).id
    data = api.http.get(f"/api/works/{work}/export", params={"format": "zip"}).content
    preview = api.ok("POST", "/api/imports", files={"file": ("工程.zip", data)})
    chapters = api.ok("GET", f"/api/works/{work}/chapters")
    people = api.ok("GET", f"/api/works/{work}/characters")
    assert (preview["format"], preview["characters"]) == ("zip", len(people))
    assert [c["title"] for c in preview["chapters"]] == [c["title"] for c in chapters]
    assert (preview["encodings"], preview["patterns"]) == ([], [])
    path = f"/api/imports/{preview['upload']}"
    text = api.ok("GET", f"{path}/chapters/1")["text"]
    assert text == api.ok("GET", f"/api/works/{work}/chapters/{chapters[1]['id']}")["text"]
    made = api.ok("POST", f"{path}/commit", json={"title": "另一部"})
    assert (made["title"], made["chapters"], made["warnings"]) == ("另一部", len(chapters), [])
    again = made["work"]
    for part in ("characters", "outline", "facts", "relations", "threads", "scenes", "lorebooks"):
        ours, theirs = (api.ok("GET", f"/api/works/{w}/{part}") for w in (work, again))
        assert len(ours) == len(theirs), part
    assert not {p["id"] for p in people} & {
        p["id"] for p in api.ok("GET", f"/api/works/{again}/characters")
    }


def test_a_part_of_a_project_is_no_project(api: Client) -> None:
    work, (chapter, *_) = api.book()
    path = f"/api/works/{work}/export?format=zip&chapters={chapter}"
    api.refused(422, "whole_project_only", "GET", path)


def test_a_binned_chapter_stays_behind_and_what_pointed_to_it_points_nowhere(api: Client) -> None:
    work, (gone, kept, _) = api.book()
    thread = api.ok("POST", f"/api/works/{work}/threads", json={
        "title": "砚", "due_chapter_id": gone,
        "events": [{"kind": "plant", "chapter_id": kept, "quote": "墨干了"}]})  # fmt: skip
    assert thread["events"]
    api.ok("DELETE", f"/api/works/{work}/chapters/{gone}")
    data = exported(api.desk.database, work)
    told = manifest(data)
    assert len(told["tables"]["chapters"]) == 2
    assert told["tables"]["threads"][0]["due_chapter_id"] == "gone"
    assert told["tables"]["thread_events"][0]["chapter_id"] == "chapters/1"
    assert exported(api.desk.database, imported(api.desk.database, data)) == data


# --- files that nobody should have made -----------------------------------------------------------


def broken(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    return lambda data: changed(data, change)


def at(*path: str | int, value: Any) -> Callable[[bytes], bytes]:
    """The project with a value somewhere in its manifest."""

    def change(told: dict[str, Any]) -> None:
        inner: Any = told
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value

    return broken(change)


FAULTS: dict[str, Callable[[bytes], bytes]] = {
    "another format": at("format", value="other"),
    "a later version": at("version", value=2),
    "no tables": at("tables", value=None),
    "a table that is none": at("tables", "facts", value={}),
    "a row that is none": at("tables", "facts", value=["x"]),
    "a work that is none": at("work", value=[]),
    "no title": at("work", "title", value=None),
    "a budget that is none": at("work", "defaults", value={"budget": {"passages": 7}}),
    "a pigment that is none": at("work", "cover", value="neon"),
    "a kind that is none": at("tables", "chapters", 0, "kind", value="poem"),
    "a title too long": at("tables", "chapters", 0, "title", value="长" * 301),
    "a place in no chapter": at("tables", "facts", 0, "since_chapter_id", value="chapters/999"),
    "a place in a person": at("tables", "facts", 0, "since_chapter_id", value="characters/1"),
    "an owner that is none": at("tables", "lore_entries", 0, "lorebook_id", value=None),
    "an id of this desk": at("tables", "facts", 0, "character_id", value="0" * 32),
    "a knower that is none": at("tables", "facts", 0, "known_by", value=[{"offset": 1}]),
    "a line of no words": at("tables", "characters", 0, "voice", value=["他说"]),
    "a number too large": at("tables", "facts", 0, "since_offset", value=2**40),
    "a negative offset": at("tables", "facts", 0, "since_offset", value=-1),
    "a character that no database has": at("work", "author", value="\0"),
    "half a character": at("work", "author", value="\ud800"),
    "a file that is not there": at("tables", "chapters", 0, "file", value="chapters/9999.txt"),
    "a way out of the archive": at("tables", "chapters", 0, "file", value="../../etc/passwd"),
    "a picture that is none": lambda data: changed(
        data, lambda told: told["tables"]["characters"][0].update(portrait="p.webp"),
        **{"p.webp": b"RIFF\x04\0\0\0WEBP"},
    ),
    "text in no encoding": lambda data: changed(
        data, lambda _told: None, **{"chapters/0001.txt": b"\xff\xfe\xfd"}
    ),
    "a manifest that is none": lambda data: data.replace(b"project.json", b"project.jsom"),
    "a cut end": lambda data: data[:-100],
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_project_is_refused_and_leaves_nothing(
    database: Database, sample: str, fault: str
) -> None:
    data = FAULTS[fault](exported(database, sample))
    with database.reading() as session:
        before = {t.name: len(session.exec(select(t.model)).all()) for t in TABLES}
    with pytest.raises(YanchiError) as refusal:
        imported(database, data)
    assert refusal.value.message.endswith("。")
    with database.reading() as session:
        assert {t.name: len(session.exec(select(t.model)).all()) for t in TABLES} == before


def test_a_project_from_a_faulty_file_is_refused_over_http(api: Client) -> None:
    work, _ = api.book()
    data = at("version", value=9)(exported(api.desk.database, work))
    told = api.refused(
        422, "newer_project", "POST", "/api/imports", files={"file": ("a.zip", data)}
    )
    assert "升级" in told
    assert not [*api.desk.uploads.iterdir()]


def test_an_outline_in_a_circle_is_laid_open(database: Database, sample: str) -> None:
    def change(told: dict[str, Any]) -> None:
        told["tables"]["outline"][0]["parent_id"] = "outline/2"
        told["tables"]["outline"][1]["parent_id"] = "outline/1"

    work = imported(database, changed(exported(database, sample), change))
    with database.reading() as session:
        nodes = session.exec(
            select(models.OutlineNode).where(models.OutlineNode.work_id == work)
        ).all()
    assert [n for n in nodes if n.parent_id is None]


def test_a_template_that_cannot_be_rendered_is_left_out_and_told(
    database: Database, sample: str
) -> None:
    data = at("tables", "templates", 0, "user", value="{% if %}")(exported(database, sample))
    with database.session() as session:
        work, doubts = keep_project(session, read_project(data))
    assert [d.code for d in doubts] == ["broken_template"]
    assert manifest(exported(database, work.id))["tables"]["templates"] == []


def test_a_foreign_picture_is_drawn_anew(database: Database, sample: str) -> None:
    drawn = io.BytesIO()
    seen = Image.Exif()
    seen[0x010E] = "secret"
    Image.radial_gradient("L").resize((900, 900)).save(drawn, "WEBP", exif=seen)
    assert b"secret" in drawn.getvalue()
    data = changed(exported(database, sample), lambda _told: None,
                   **{"portraits/0001.webp": drawn.getvalue()})  # fmt: skip
    work = imported(database, data)
    with zipfile.ZipFile(io.BytesIO(exported(database, work))) as archive:
        picture = archive.read("portraits/0001.webp")
    assert b"secret" not in picture
    assert max(Image.open(io.BytesIO(picture)).size) <= 512


def test_columns_that_a_file_lacks_are_as_a_new_row_has_them(
    database: Database, sample: str
) -> None:
    def change(told: dict[str, Any]) -> None:
        for row in told["tables"]["characters"]:
            for column in ("color", "summary", "voice", "aliases"):
                row.pop(column)
        told["tables"].pop("threads")
        told["tables"].pop("thread_events")
        told["tables"]["later"] = [{"what": "a newer desk adds"}]

    work = imported(database, changed(exported(database, sample), change))
    told = manifest(exported(database, work))
    assert {row["color"] for row in told["tables"]["characters"]} == {"ink"}
    assert told["tables"]["threads"] == []
