"""The outline: premise, volumes, chapters and beats, as a tree of nodes."""

from fastapi import APIRouter, status

from server import manuscript, outlines
from server.deps import Reading, RowId, WorkId, Writing
from server.models import OutlineNode
from server.schemas.outlines import OutlineChange, OutlineMove, OutlineNew, OutlineOut

router = APIRouter(prefix="/api/works/{work_id}/outline", tags=["outline"])


@router.get("")
def list_outline(work_id: WorkId, session: Reading) -> list[OutlineOut]:
    manuscript.get_work(session, work_id)
    return [OutlineOut.model_validate(n) for n in manuscript.list_outline(session, work_id)]


@router.post("", status_code=status.HTTP_201_CREATED)
def create_node(work_id: WorkId, wanted: OutlineNew, session: Writing) -> OutlineOut:
    manuscript.get_work(session, work_id)
    outlines.check_links(session, work_id, wanted.parent_id, wanted.chapter_id)
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
    outlines.check_links(session, work_id, fields.get("parent_id"), fields.get("chapter_id"))
    outlines.check_tree(session, node, fields.get("parent_id"))
    # A link may be cut by null; the other fields cannot be.
    links = ("parent_id", "chapter_id")
    node.sqlmodel_update({k: v for k, v in fields.items() if v is not None or k in links})
    session.add(node)
    return OutlineOut.model_validate(node)


@router.post("/{node_id}/move")
def move_node(
    work_id: WorkId, node_id: RowId, wanted: OutlineMove, session: Writing
) -> list[OutlineOut]:
    """The whole outline as it stands now: its siblings have moved up or down."""
    node = manuscript.get_node(session, work_id, node_id)
    outlines.move_node(session, node, wanted.parent_id, wanted.position)
    session.flush()
    return [OutlineOut.model_validate(n) for n in manuscript.list_outline(session, work_id)]


@router.delete("/{node_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_node(work_id: WorkId, node_id: RowId, session: Writing) -> None:
    """The node and everything below it."""
    session.delete(manuscript.get_node(session, work_id, node_id))
