"""Prompt templates, for the whole desk or (`work_id`) for one work."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, status
from sqlmodel import Session

from server import templates
from server.deps import ID, Reading, Writing
from server.manuscript import get_work
from server.schemas.templates import TemplateOut, TemplateSave, TemplateVersionOut

router = APIRouter(prefix="/api/templates", tags=["templates"])

Name = Annotated[str, Path(pattern=r"^[a-z_]{1,100}$")]
Owner = Annotated[str | None, Query(alias="work_id", pattern=ID)]


@router.get("")
def list_templates(session: Reading, work_id: Owner = None) -> list[TemplateOut]:
    return [_out(session, name, work_id) for name in templates.EDITABLE]


@router.get("/{name}")
def get_template(name: Name, session: Reading, work_id: Owner = None) -> TemplateOut:
    return _out(session, name, work_id)


@router.put("/{name}")
def save_template(
    name: Name, wanted: TemplateSave, session: Writing, work_id: Owner = None
) -> TemplateOut:
    templates.save(session, name, (wanted.system, wanted.user, wanted.assistant), work_id)
    return _out(session, name, work_id)


@router.delete("/{name}", status_code=status.HTTP_204_NO_CONTENT)
def restore_shipped(name: Name, session: Writing, work_id: Owner = None) -> None:
    """Back to the template beneath it; every saved version can still be read."""
    templates.restore_shipped(session, name, work_id)


@router.get("/{name}/versions")
def list_versions(name: Name, session: Reading, work_id: Owner = None) -> list[TemplateVersionOut]:
    return [
        TemplateVersionOut.model_validate(v) for v in templates.versions(session, name, work_id)
    ]


def _out(session: Session, name: str, work_id: str | None) -> TemplateOut:
    if work_id is not None:
        get_work(session, work_id)
    used = templates.in_use(session, name, work_id)
    made = used.template
    return TemplateOut(
        name=name, version=made.version, origin=used.origin,
        system=made.system, user=made.user, assistant=made.assistant,
    )  # fmt: skip
