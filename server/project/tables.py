"""What of a work's rows stands in a project file: one entry a table, and a new table is one entry.

A column is written as it is, unless it is one of UNTOLD or names another row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel
from sqlalchemy import ColumnElement
from sqlmodel import SQLModel, col, select

from server import models
from server.pigments import Pigment
from server.project.shapes import Line, PlacedKnower
from server.schemas.characters import CharacterOut
from server.schemas.common import Kind, Status
from server.schemas.documents import DocumentOut, PartOut
from server.schemas.lore import BookOut, EntryOut
from server.schemas.manuscript import ChapterOut, VolumeOut
from server.schemas.outlines import OutlineNew, OutlineOut
from server.schemas.recaps import UnplacedOut
from server.schemas.relations import RelationOut
from server.schemas.story import FactOut, ProgressionOut, SceneOut
from server.schemas.templates import TemplateVersionOut
from server.schemas.threads import EventOut, State, ThreadOut

UNTOLD = frozenset({"id", "work_id", "created_at", "updated_at", "deleted_at"})

IfGone = Literal["gone", "null", "skip"]
"""What becomes of a reference to a row that the file does not have, such as a chapter in the bin:
it stays one to nothing, it goes, or its row stays out."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A column that holds the id of a row of `table`; of any table where that is empty."""

    table: str
    if_gone: IfGone = "gone"


@dataclass(frozen=True, slots=True)
class Table:
    """`shape` is the wire's shape of a row: what could not be shown is not let in."""

    name: str
    model: type[SQLModel]
    shape: type[BaseModel]
    mine: Callable[[str], ColumnElement[bool]]
    """Which rows are the work's, by its id."""
    order: Sequence[str] = ("created_at",)
    """Columns that order the rows, before the id."""
    owner: str = ""
    """The column whose rows' order comes before that."""
    refs: Mapping[str, Ref] = field(default_factory=dict)
    inner: frozenset[str] = frozenset()
    """JSON columns with ids in them (see `refs.py`)."""
    untold: frozenset[str] = frozenset()
    """Columns that the file does not have, beside UNTOLD."""
    checks: Mapping[str, Any] = field(default_factory=dict)
    """Types of columns that the wire shows otherwise."""


WORK = ("title", "author", "synopsis", "style", "defaults", "cover", "goal", "numbering", "unit")
REVISION = ("number", "text", "origin", "candidate", "added", "removed", "snapshot", "label")
"""The columns of the work itself, and of a chapter's revisions."""


def _of_work(model: Any) -> Callable[[str], ColumnElement[bool]]:
    return lambda work: col(model.work_id) == work


def _below(column: Any, owner: Any) -> Callable[[str], ColumnElement[bool]]:
    return lambda work: col(column).in_(select(owner.id).where(owner.work_id == work))


_CHAPTER = Ref("chapters")
_SPAN = {"since_chapter_id": _CHAPTER, "until_chapter_id": _CHAPTER}
_KNOWN = frozenset({"known_by"})
_KNOWERS = {"known_by": list[PlacedKnower] | None}

TABLES: tuple[Table, ...] = (
    Table("volumes", models.Volume, VolumeOut, _of_work(models.Volume), ("position",)),
    Table(
        "chapters", models.Chapter, ChapterOut,
        lambda work: (col(models.Chapter.work_id) == work)
        & col(models.Chapter.deleted_at).is_(None),
        ("position",),
        refs={"volume_id": Ref("volumes", "null")},
        inner=frozenset({"context"}),
        untold=frozenset({"position", "revision", "chars", "han"}),
        checks={"kind": Kind, "status": Status},
    ),
    Table(
        "characters", models.Character, CharacterOut, _of_work(models.Character), ("position",),
        inner=frozenset({"voice"}), checks={"voice": list[Line]},
    ),
    Table(
        "outline", models.OutlineNode, OutlineOut, _of_work(models.OutlineNode), ("position",),
        refs={"parent_id": Ref("outline", "null"), "chapter_id": Ref("chapters", "null")},
        checks={
            "kind": OutlineNew.model_fields["kind"].annotation,
            "color": Pigment | Literal[""],
        },
    ),
    Table("lorebooks", models.Lorebook, BookOut, _of_work(models.Lorebook), ("position",)),
    Table(
        "lore_entries", models.LoreEntry, EntryOut,
        _below(models.LoreEntry.lorebook_id, models.Lorebook), ("position",),
        "lorebook_id", {"lorebook_id": Ref("lorebooks", "skip"), **_SPAN}, _KNOWN, checks=_KNOWERS,
    ),
    Table(
        "scenes", models.Scene, SceneOut, _of_work(models.Scene),
        refs={"chapter_id": Ref("chapters", "skip"), "after_chapter_id": _CHAPTER},
    ),
    Table(
        "progressions", models.Progression, ProgressionOut, _of_work(models.Progression),
        refs={"character_id": Ref("characters", "skip"), **_SPAN}, inner=_KNOWN, checks=_KNOWERS,
    ),
    Table(
        "facts", models.Fact, FactOut, _of_work(models.Fact),
        refs={"character_id": Ref("characters", "null"), "evidence_chapter_id": _CHAPTER, **_SPAN},
        inner=_KNOWN, checks=_KNOWERS,
    ),
    Table(
        "relations", models.Relation, RelationOut, _of_work(models.Relation),
        refs={"a": Ref("characters", "skip"), "b": Ref("characters", "skip"), **_SPAN},
        inner=_KNOWN, checks=_KNOWERS,
    ),
    Table(
        "threads", models.Thread, ThreadOut, _of_work(models.Thread),
        refs={"due_chapter_id": _CHAPTER}, checks={"state": State | Literal[""]},
    ),
    Table(
        "thread_events", models.ThreadEvent, EventOut,
        _below(models.ThreadEvent.thread_id, models.Thread),
        refs={"thread_id": Ref("threads", "skip"), "chapter_id": _CHAPTER},
    ),
    Table(
        "templates", models.TemplateVersion, TemplateVersionOut, _of_work(models.TemplateVersion),
        ("name", "number"),
    ),
    Table(
        "recaps", models.Recap, UnplacedOut,
        lambda work: (col(models.Recap.work_id) == work) & (col(models.Recap.maker) == "author"),
        refs={"target_id": Ref("")}, untold=frozenset({"maker", "source_hash", "sources"}),
    ),
    Table(
        "documents", models.Document, DocumentOut, _of_work(models.Document),
        refs={"persona_id": Ref("", "null")},
    ),
    Table(
        "document_parts", models.DocumentPart, PartOut,
        _below(models.DocumentPart.document_id, models.Document), ("position",),
        "document_id", {"document_id": Ref("documents", "skip")},
    ),
)  # fmt: skip
"""Owners before what they own. What a model made of the text is not here: it is made again."""


def told_columns(table: Table) -> list[str]:
    return [c for c in table.model.model_fields if c not in UNTOLD | table.untold]
