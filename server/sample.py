"""The sample novel, loaded into an empty desk so that it never opens bare.

Its story file is also the format in which a whole project's bible comes in:
`novel.md` (the text), `story.json` (synopsis, style, characters, how their sheets change and what
they are to each other, outline), `bible.json` (facts, threads) and `lore.json` (a lorebook).
"""

import json
from pathlib import Path
from typing import Any

from sqlmodel import Session, select

from retrieval.readers import read_book
from server.bible import Bible
from server.importing.book import create_work
from server.manuscript import list_chapters
from server.models import Chapter, Character, OutlineNode, Work
from server.pigments import pigment
from server.sample_lore import add_lore
from server.voices import placed


def load_sample(session: Session, folder: Path) -> Work | None:
    """The sample as a new work; None when a work is, or ever was, there."""
    if session.exec(select(Work).limit(1)).first() is not None:
        return None
    if not (folder / "novel.md").is_file():
        return None
    return load_story(session, folder)


def load_story(session: Session, folder: Path) -> Work:
    text = folder / "novel.md"
    story = json.loads((folder / "story.json").read_text(encoding="utf-8"))
    work = create_work(session, read_book(text.read_bytes(), text.name))
    work.title = story["title"]
    work.author = story.get("author", "")
    work.synopsis = story.get("synopsis", "")
    work.style = story.get("style", "")
    session.add(work)
    _add_characters(session, work, story.get("characters", []))
    session.flush()
    bible = Bible(session, work)
    bible.add_progressions(story.get("progressions", []))
    bible.add_relations(story.get("relations", []))
    if (folder / "bible.json").is_file():
        told = json.loads((folder / "bible.json").read_text(encoding="utf-8"))
        bible.add_facts(told.get("facts", []))
        bible.add_threads(told.get("threads", []))
    add_lore(session, work, folder / "lore.json")
    chapters = {_name(c.title): c for c in list_chapters(session, work.id)}
    for place, node in enumerate(story.get("outline", [])):
        _add_node(session, work, node, place, None, chapters)
    return work


def _add_characters(session: Session, work: Work, sheets: list[dict[str, Any]]) -> None:
    for place, sheet in enumerate(sheets):
        session.add(
            Character(
                work_id=work.id,
                position=place,
                name=sheet["name"],
                aliases=list(sheet.get("aliases", [])),
                role=sheet.get("role", ""),
                sheet=dict(sheet.get("sheet", {})),
                color=pigment(place),
                summary=sheet.get("summary", ""),
                voice=placed(session, work.id, sheet.get("voice", [])),
            )
        )


def _add_node(
    session: Session,
    work: Work,
    node: dict[str, Any],
    place: int,
    parent: str | None,
    chapters: dict[str, Chapter],
) -> None:
    title = node.get("title", "")
    kind = node["kind"]
    chapter = chapters.get(_name(title)) if kind == "chapter" else None
    row = OutlineNode(
        work_id=work.id,
        parent_id=parent,
        chapter_id=chapter.id if chapter else None,
        position=place,
        kind=kind,
        title=title,
        summary=node.get("summary", ""),
    )
    session.add(row)
    session.flush()
    children = [
        *node.get("children", []),
        *({"kind": "beat", "summary": beat} for beat in node.get("beats", [])),
    ]
    for n, child in enumerate(children):
        _add_node(session, work, child, n, row.id, chapters)


def _name(title: str) -> str:
    """The chapter's own name, without 第N章."""
    return title.replace("　", " ").split(" ")[-1].strip()
