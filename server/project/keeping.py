"""A project that was read, made a work of this desk, in the caller's transaction."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from retrieval.book import Doubt
from retrieval.memory.fresh import AUTHOR
from retrieval.memory.plan import Key, Level
from retrieval.template import BrokenTemplate, check, template_of
from server.models import Recap, TemplateVersion, Work
from server.project.reading import Project
from server.project.tables import TABLES
from server.recaps.rows import keep, load_memory, made
from server.templates import EDITABLE


def keep_project(
    session: Session, project: Project, title: str | None = None, author: str | None = None
) -> tuple[Work, list[Doubt]]:
    """The work with all its rows, and what could not be taken over."""
    work = project.work
    work.title, work.author = title or work.title, work.author if author is None else author
    session.add(work)
    session.flush()
    rows = dict(project.rows)
    rows["templates"], doubts = _templates(rows["templates"])
    recaps = rows.pop("recaps")
    parents = _without_parents(rows["outline"])
    for table in TABLES:
        session.add_all(rows.get(table.name, ()))
        session.flush()
    for node in rows["outline"]:
        node.parent_id = parents[node.id]
    session.add_all([*project.revisions, *project.portraits])
    session.flush()
    _keep_recaps(session, work, recaps)
    return work, doubts


def _without_parents(outline: list[Any]) -> Mapping[str, str | None]:
    """A child may come before its parent: each gets it when all are there."""
    parents = {node.id: node.parent_id for node in outline}
    for node in outline:
        node.parent_id = None if _in_a_circle(node.id, parents) else node.parent_id
    parents = {node.id: node.parent_id for node in outline}
    for node in outline:
        node.parent_id = None
    return parents


def _in_a_circle(id: str, parents: Mapping[str, str | None]) -> bool:
    seen = {id}
    above = parents[id]
    while above is not None and above in parents and above not in seen:
        seen.add(above)
        above = parents[above]
    return above == id


def _templates(rows: list[TemplateVersion]) -> tuple[list[TemplateVersion], list[Doubt]]:
    """Those that this desk can render: another version may have known other groups."""
    kept, doubts = [], []
    for row in rows:
        if row.name in EDITABLE and (row.shipped or _renders(row)):
            kept.append(row)
            continue
        told = f"提示词模板“{row.name}”的第 {row.number} 版在这里用不了，没有导入。"
        doubts.append(Doubt("broken_template", told))
    return kept, doubts


def _renders(row: TemplateVersion) -> bool:
    try:
        check(template_of(row.name, row.system, row.user, row.assistant))
    except BrokenTemplate:
        return False
    return True


def _keep_recaps(session: Session, work: Work, recaps: list[Recap]) -> None:
    """Written to the texts as they are here; what is for no stretch of them waits for one."""
    if not recaps:
        return
    memory = load_memory(session, work.id)
    for row in recaps:
        key = Key(Level(row.level), row.target_id)
        node = memory.plan.nodes.get(key)
        if node is not None:
            keep(session, work.id, made(memory, node, row.text, AUTHOR, AUTHOR), over_author=True)
        else:
            session.add(Recap(
                work_id=work.id, level=row.level, target_id=row.target_id, text=row.text,
                maker=AUTHOR,
            ))  # fmt: skip
    session.flush()
