"""A project file to rows that nobody owns yet: all of it checked, nothing of it kept."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, ValidationError
from sqlmodel import SQLModel

from retrieval.errors import RetrievalError
from retrieval.readers.archive import Archive
from server.errors import Invalid, from_retrieval
from server.importing.rows import digest
from server.models import Chapter, ChapterRevision, Character, Fact, Portrait, Work, new_id, now
from server.project import FORMAT, MANIFEST, VERSION, pictures
from server.project.checks import check_plain, check_row, check_work, damaged
from server.project.refs import Ids
from server.project.tables import TABLES, Table
from server.schemas.common import LONGEST_CHAPTER
from server.sizes import chars_of, han_of

MOST_ROWS = 200_000
MOST_REVISIONS = 100_000


@dataclass(frozen=True, slots=True)
class Project:
    """A work and its rows by table, each in the file's order; ids are new and fit each other."""

    work: Work
    rows: Mapping[str, list[Any]]
    revisions: list[ChapterRevision]
    portraits: list[Portrait]

    @property
    def texts(self) -> dict[str, str]:
        """Every chapter's current text by its id."""
        return {r.chapter_id: r.text for r in self.revisions}


class _Revision(BaseModel):
    number: Annotated[int, Field(ge=1)]
    text: str
    origin: Annotated[str, Field(max_length=20)] = "import"
    candidate: Annotated[int, Field(ge=0)] = 0
    added: Annotated[int, Field(ge=0)] = 0
    removed: Annotated[int, Field(ge=0)] = 0
    snapshot: Literal["", "author", "before"] = ""
    label: Annotated[str, Field(max_length=200)] = ""
    at: AwareDatetime


def is_project(data: bytes) -> bool:
    """Whether it is a ZIP with a project's manifest. Raises Refused for a ZIP that is broken."""
    if not data.startswith(b"PK\x03\x04"):
        return False
    return MANIFEST in _archive(data)


def read_project(data: bytes) -> Project:
    """Raises Invalid where anything in it is not as it must be, Refused for a broken ZIP."""
    try:
        return _Reading(_archive(data)).project()
    except RetrievalError as error:
        raise from_retrieval(error) from error


def _archive(data: bytes) -> Archive:
    try:
        return Archive(data)
    except RetrievalError as error:
        raise from_retrieval(error) from error


class _Reading:
    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        told = _json(archive.read(MANIFEST), MANIFEST)
        _check_version(told)
        self._told = told["tables"]
        for table in TABLES:
            self._told.setdefault(table.name, [])
        self._ids = Ids({table.name: len(self._told[table.name]) for table in TABLES})
        self._work = Work(
            id=new_id(),
            **check_work(
                told["work"] | {"defaults": self._ids.inside(told["work"].get("defaults", {}))}
            ),
        )
        self._moment = now()
        self._revisions: list[ChapterRevision] = []

    def project(self) -> Project:
        rows: dict[str, list[Any]] = {t.name: list(self._rows(t)) for t in TABLES}
        for number, chapter in enumerate(rows["chapters"]):
            chapter.position = number
            self._add_texts(chapter, self._told["chapters"][number])
        revisions = {c.id: c.revision for c in rows["chapters"]}
        for fact, told in zip(rows["facts"], self._told["facts"], strict=True):
            fact.evidence_revision = _evidence_revision(fact, told, revisions)
        portraits = list(self._portraits(rows["characters"]))
        return Project(self._work, rows, self._revisions, portraits)

    def _rows(self, table: Table) -> Iterator[SQLModel]:
        owned = "work_id" in table.model.model_fields
        for number, told in enumerate(self._told[table.name], 1):
            if not isinstance(told, dict):
                raise damaged(f"{table.name} 的第 {number} 条不对")
            fields = check_row(table, self._with_ids(table, told), number)
            extra: dict[str, Any] = {"work_id": self._work.id} if owned else {}
            extra |= {"position": 0} if table.name == "chapters" else {}
            row = table.model(id=self._ids.at(table.name, number), **extra, **fields)
            for when in ("created_at", "updated_at"):
                if when in table.model.model_fields:
                    setattr(row, when, self._moment)  # one moment: ids keep the order
            yield row

    def _with_ids(self, table: Table, told: dict[str, Any]) -> dict[str, Any]:
        fields = dict(told)
        for column, ref in table.refs.items():
            fields[column] = self._ids.of(told.get(column), ref.table)
        for column in table.inner & told.keys():
            fields[column] = self._ids.inside(told[column])
        return fields

    def _add_texts(self, chapter: Chapter, told: Mapping[str, Any]) -> None:
        if told.get("history"):
            revisions = self._history(str(told["history"]))
        elif told.get("file"):
            text = _text(self._archive.read(str(told["file"])), str(told["file"]))
            revisions = [_Revision(number=1, text=text, added=chars_of(text), at=self._moment)]
        else:
            return
        for number, told_one in enumerate(revisions, 1):
            if told_one.number != number:
                raise damaged(f"{told['history']} 里的版本不连续")
            self._revisions.append(_revision(chapter, told_one))
        text = revisions[-1].text
        chapter.revision, chapter.chars, chapter.han = len(revisions), chars_of(text), han_of(text)

    def _history(self, name: str) -> list[_Revision]:
        told = _json(self._archive.read(name), name)
        if not isinstance(told, list) or not 0 < len(told) <= MOST_REVISIONS:
            raise damaged(f"{name} 里没有版本")
        try:
            found = [_Revision.model_validate(one) for one in told]
        except ValidationError as error:
            raise damaged(f"{name} 里有一版不对") from error
        for one in found:
            _check_length(one.text, name)
        return found

    def _portraits(self, characters: list[Character]) -> Iterator[Portrait]:
        for character, told in zip(characters, self._told["characters"], strict=True):
            if told.get("portrait"):
                image = pictures.kept(self._archive.read(str(told["portrait"])))
                seal = hashlib.sha256(image).hexdigest()
                yield Portrait(character_id=character.id, image=image, sha256=seal)


def _check_version(told: Any) -> None:
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise damaged(f"{MANIFEST} 不是砚池的工程")
    if told.get("version") != VERSION:
        raise Invalid("这个工程文件是更新版本的砚池导出的，请先升级再导入。", code="newer_project")
    work, tables = told.get("work"), told.get("tables")
    if not isinstance(work, dict) or not isinstance(tables, dict):
        raise damaged(f"{MANIFEST} 缺少作品或表格")
    if not all(isinstance(rows, list) for rows in tables.values()):
        raise damaged(f"{MANIFEST} 里有一张表不对")
    if sum(map(len, tables.values())) > MOST_ROWS:
        raise damaged("里面的条目太多")


def _evidence_revision(fact: Fact, told: Mapping[str, Any], revisions: Mapping[str, int]) -> int:
    current = revisions.get(fact.evidence_chapter_id or "", 0)
    return current if told.get("evidence_stands") else 0


def _revision(chapter: Chapter, told: _Revision) -> ChapterRevision:
    return ChapterRevision(
        chapter_id=chapter.id,
        sha256=digest(told.text),
        chars=chars_of(told.text),
        created_at=told.at.astimezone(UTC),
        **told.model_dump(exclude={"at"}),
    )


def _text(data: bytes, name: str) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise damaged(f"{name} 不是 UTF-8 文字") from error
    _check_length(text, name)
    return text


def _check_length(text: str, name: str) -> None:
    if len(text) > LONGEST_CHAPTER:
        raise damaged(f"{name} 超过 {LONGEST_CHAPTER // 10_000} 万字")
    check_plain(text)


def _json(data: bytes, name: str) -> Any:
    try:
        told = json.loads(data)
        check_plain(told)
    except (ValueError, RecursionError) as error:
        raise damaged(f"{name} 读不出来") from error
    return told
