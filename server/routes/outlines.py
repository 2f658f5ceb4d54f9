"""The outline: premise, volumes, chapters and beats, as a tree of nodes."""

from fastapi import APIRouter, status
from sqlmodel import Session

from server import manuscript
from server.deps import Reading, RowId, WorkId, Writing
from server.errors import Invalid
from server.models import OutlineNode
from server.schemas.manuscript import OutlineChange, OutlineNew, OutlineOut

router = APIRouter(prefix="/api/works/{work_id}/outline", tags=["outline"])


@router.get("")
def list_outline(work_id: WorkId, session: Reading) -> list[OutlineOut]:
    manuscript.get_work(session, work_id)
    return [OutlineOut.model_validate(n) for n in manuscript.list_outline(session, work_id)]


@router.post("", status_code=status.HTTP_201_CREATED)
def create_node(work_id: WorkId, wanted: OutlineNew, session: Writing) -> OutlineOut:
    manuscript.get_work(session, work_id)
    _check_links(session, work_id, wanted.parent_id, wanted.chapter_id)
    node = OutlineNode(work_id=work_id, **wanted.model_dump())
    session.add(node)
    session.flush()
    return OutlineOut.model_validate(node)


@router.patch("/{node_id}")
def change_node(
    work_id: WorkId, node_id: RowId, change: OutlineChange, session: Writing
) -> OutlineOut:
    node = manuscript.get_node(session, work_id, node_id)
    fields = change.model_dump(exclude_unset=True)
    _check_links(session, work_id, fields.get("parent_id"), fields.get("chapter_id"))
    _check_tree(session, node, fields.get("parent_id"))
    # A link may be cut by null; the other fields cannot be.
    links = ("parent_id", "chapter_id")
    node.sqlmodel_update({k: v for k, v in fields.items() if v is not None or k in links})
    session.add(node)
    return OutlineOut.model_validate(node)


@router.delete("/{node_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_node(work_id: WorkId, node_id: RowId, session: Writing) -> None:
    """The node and everything below it."""
    session.delete(manuscript.get_node(session, work_id, node_id))


def _check_links(
    session: Session, work_id: str, parent_id: str | None, chapter_id: str | None
) -> None:
    if parent_id is not None:
        manuscript.get_node(session, work_id, parent_id)
    if chapter_id is not None:
        manuscript.get_chapter(session, work_id, chapter_id)


def _check_tree(session: Session, node: OutlineNode, parent_id: str | None) -> None:
    while parent_id is not None:
        if parent_id == node.id:
            raise Invalid("大纲里的一条不能挂到它自己下面。", code="outline_cycle")
        parent = session.get(OutlineNode, parent_id)
        parent_id = parent.parent_id if parent else None
