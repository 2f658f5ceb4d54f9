"""The author's own prompt templates: versions in the database over the shipped files."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, exists, or_
from sqlalchemy import select as columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from retrieval.template import (
    BrokenTemplate,
    PromptTemplate,
    check,
    load_template,
    template_of,
)
from server.errors import Invalid, NotFound
from server.manuscript import get_work
from server.models import TemplateVersion
from server.rows import fetched

EDITABLE = ("continuation", "rewrite", "persona", "recap")
"""Templates that an author may change."""


_newer = aliased(TemplateVersion)
_NEWEST = columns(
    col(TemplateVersion.work_id), col(TemplateVersion.shipped), col(TemplateVersion.system),
    col(TemplateVersion.user), col(TemplateVersion.assistant),
).where(
    col(TemplateVersion.name) == bindparam("name"),
    or_(col(TemplateVersion.work_id).is_(None), col(TemplateVersion.work_id) == bindparam("work")),
    ~exists().where(
        col(_newer.name) == col(TemplateVersion.name),
        col(_newer.work_id).is_not_distinct_from(col(TemplateVersion.work_id)),
        col(_newer.number) > col(TemplateVersion.number),
    ),
)  # fmt: skip
"""The last version of the work's template and of the desk's; built once, since every prompt asks."""


@dataclass(frozen=True, slots=True)
class InUse:
    """The template that counts, and whose it is."""

    template: PromptTemplate
    origin: str
    """`shipped`, `desk` or `work`."""


def in_use(session: Session, name: str, work_id: str | None = None) -> InUse:
    """The work's own, else the desk's, else the shipped one. Raises NotFound."""
    _known(name)
    owners = [(work_id, "work"), (None, "desk")] if work_id else [(None, "desk")]
    found = {row.work_id: row for row in fetched(session, _NEWEST, name=name, work=work_id or "")}
    for owner, origin in owners:
        row = found.get(owner)
        if row is not None and not row.shipped:
            return InUse(template_of(name, row.system, row.user, row.assistant), origin)
    return InUse(load_template(name), "shipped")


def versions(session: Session, name: str, work_id: str | None = None) -> list[TemplateVersion]:
    """Every version saved for the work (for the desk when None), newest first."""
    _known(name)
    query = select(TemplateVersion).where(
        TemplateVersion.name == name, col(TemplateVersion.work_id) == work_id
    )
    return list(session.exec(query.order_by(col(TemplateVersion.number).desc())))


def save(
    session: Session, name: str, parts: tuple[str, str, str], work_id: str | None = None
) -> TemplateVersion:
    """A new version, which counts from now on. Raises NotFound, or Invalid where it cannot be
    rendered or would leave out what has to arrive."""
    try:
        check(template_of(name, *parts))
    except BrokenTemplate as error:
        raise Invalid(error.message, code=error.code) from error
    system, user, assistant = parts
    return _add(session, name, work_id, system=system, user=user, assistant=assistant)


def restore_shipped(session: Session, name: str, work_id: str | None = None) -> None:
    """Back to what lies beneath; the versions stay."""
    past = versions(session, name, work_id)
    if past and not past[0].shipped:
        _add(session, name, work_id, shipped=True)


def _add(session: Session, name: str, work_id: str | None, **fields: Any) -> TemplateVersion:
    if work_id is not None:
        get_work(session, work_id)
    past = versions(session, name, work_id)
    number = past[0].number + 1 if past else 1
    row = TemplateVersion(name=name, work_id=work_id, number=number, **fields)
    session.add(row)
    session.flush()
    return row


def _known(name: str) -> None:
    if name not in EDITABLE:
        raise NotFound(
            f"没有名为“{name}”的提示词模板，可用的有：{'、'.join(EDITABLE)}。",
            code="template_not_found",
        )
