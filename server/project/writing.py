"""A work to a project file."""

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

from sqlmodel import Session, SQLModel, col, select

from server.errors import Invalid
from server.exporting.manuscript import Wish
from server.manuscript import book_texts
from server.models import Chapter, ChapterRevision, Fact, Portrait, Work
from server.project import FORMAT, MANIFEST, VERSION
from server.project.refs import GONE, Names
from server.project.tables import REVISION, TABLES, WORK, Table, told_columns

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a ZIP can say: the file is the same whenever it is written."""


def write_project(session: Session, work: Work, wish: Wish) -> bytes:
    """Raises Invalid where only a part is wanted: references would lead out of it."""
    if wish.volumes or wish.chapters:
        raise Invalid("工程文件总是整部作品，不能只选几章。", code="whole_project_only")
    rows: dict[str, list[Any]] = {}
    for table in TABLES:
        rows[table.name] = _rows(session, work.id, table, _names(rows))
    names = _names(rows)
    files: dict[str, bytes] = {}
    tables = {t.name: [_told(t, row, names) for row in rows[t.name]] for t in TABLES}
    _add_texts(session, work, rows["chapters"], tables["chapters"], files, wish.history)
    _add_portraits(session, rows["characters"], tables["characters"], files)
    _add_evidence(rows, tables["facts"])
    told = {
        "format": FORMAT,
        "version": VERSION,
        "history": wish.history,
        "work": {c: getattr(work, c) for c in WORK} | {"defaults": names.inside(work.defaults)},
        "tables": tables,
    }  # fmt: skip
    return _zipped({MANIFEST: _json(told), **files})


def _rows(session: Session, work_id: str, table: Table, owners: Names) -> list[Any]:
    """In order, without those that would belong to nothing."""
    order = [col(getattr(table.model, name)) for name in (*table.order, "id")]
    found = session.exec(select(table.model).where(table.mine(work_id)).order_by(*order))
    rows = [row for row in found if not _leads_nowhere(table, row, owners)]
    return (
        sorted(rows, key=lambda r: owners.number(getattr(r, table.owner))) if table.owner else rows
    )


def _names(rows: dict[str, list[Any]]) -> Names:
    return Names({
        row.id: f"{table}/{n}" for table, found in rows.items() for n, row in enumerate(found, 1)
    })  # fmt: skip


def _leads_nowhere(table: Table, row: SQLModel, names: Names) -> bool:
    return any(
        ref.if_gone == "skip" and names.of(getattr(row, column)) == GONE
        for column, ref in table.refs.items()
    )


def _told(table: Table, row: SQLModel, names: Names) -> dict[str, Any]:
    return {column: _value(table, row, column, names) for column in told_columns(table)}


def _value(table: Table, row: SQLModel, column: str, names: Names) -> Any:
    value = getattr(row, column)
    if column in table.refs:
        name = names.of(value)
        return None if name == GONE and table.refs[column].if_gone == "null" else name
    return names.inside(_whole(column, value)) if column in table.inner else value


def _whole(column: str, value: Any) -> Any:
    """A JSON column with every key that its reader takes for granted, in one order."""
    if column == "context":
        return {"pinned": value.get("pinned", []), "excluded": value.get("excluded", [])}
    if column == "known_by" and value is not None:
        return [
            {"character_id": one["character_id"], "chapter_id": one.get("chapter_id"),
             "offset": one.get("offset") or 0}
            for one in value
        ]  # fmt: skip
    return value


def _add_texts(
    session: Session,
    work: Work,
    chapters: Sequence[Chapter],
    told: Sequence[dict[str, Any]],
    files: dict[str, bytes],
    history: bool,
) -> None:
    texts = {t.id: t.text for t in book_texts(session, work.id)}
    for number, (chapter, fields) in enumerate(zip(chapters, told, strict=True), 1):
        if chapter.revision == 0:
            continue
        fields["file"] = f"chapters/{number:04d}.txt"
        files[fields["file"]] = texts[chapter.id].encode()
        if history:
            fields["history"] = f"history/{number:04d}.json"
            files[fields["history"]] = _json(list(_revisions(session, chapter)))


def _revisions(session: Session, chapter: Chapter) -> Iterator[dict[str, Any]]:
    query = select(ChapterRevision).where(ChapterRevision.chapter_id == chapter.id)
    for row in session.exec(query.order_by(col(ChapterRevision.number))):
        yield {c: getattr(row, c) for c in REVISION} | {"at": row.created_at.isoformat()}


def _add_portraits(
    session: Session,
    characters: Sequence[SQLModel],
    told: Sequence[dict[str, Any]],
    files: dict[str, bytes],
) -> None:
    for number, (character, fields) in enumerate(zip(characters, told, strict=True), 1):
        portrait = session.get(Portrait, character.id)  # type: ignore[attr-defined]
        if portrait is not None:
            fields["portrait"] = f"portraits/{number:04d}.webp"
            files[fields["portrait"]] = portrait.image


def _add_evidence(rows: dict[str, list[Any]], told: Sequence[dict[str, Any]]) -> None:
    """Whether a fact's evidence still stands, in the place of a revision's number."""
    revisions = {chapter.id: chapter.revision for chapter in rows["chapters"]}
    facts: list[Fact] = rows["facts"]
    for fact, fields in zip(facts, told, strict=True):
        current = revisions.get(fact.evidence_chapter_id or "")
        del fields["evidence_revision"]
        fields["evidence_stands"] = bool(current) and current == fact.evidence_revision


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False).encode() + b"\n"


def _zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
    return made.getvalue()
