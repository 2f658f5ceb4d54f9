"""The outline's tree: nodes that hang under others, each at its place among its siblings.

Functions take an open session and leave the transaction to the caller.
"""

from sqlmodel import Session

from server import manuscript
from server.errors import Invalid
from server.models import OutlineNode


def check_links(
    session: Session, work_id: str, parent_id: str | None, chapter_id: str | None
) -> None:
    """Raises NotFound where one of them is nothing of the work's."""
    if parent_id is not None:
        manuscript.get_node(session, work_id, parent_id)
    if chapter_id is not None:
        manuscript.get_chapter(session, work_id, chapter_id)


def check_tree(session: Session, node: OutlineNode, parent_id: str | None) -> None:
    """Raises Invalid where the node would hang under itself."""
    while parent_id is not None:
        if parent_id == node.id:
            raise Invalid("大纲里的一条不能挂到它自己下面。", code="outline_cycle")
        parent = session.get(OutlineNode, parent_id)
        parent_id = parent.parent_id if parent else None


def move_node(session: Session, node: OutlineNode, parent_id: str | None, position: int) -> None:
    """To a place among the children of `parent_id`; siblings are counted anew, here and there."""
    check_links(session, node.work_id, parent_id, None)
    check_tree(session, node, parent_id)
    nodes = manuscript.list_outline(session, node.work_id)
    left = [n for n in nodes if n.parent_id == node.parent_id and n.id != node.id]
    joined = [n for n in nodes if n.parent_id == parent_id and n.id != node.id]
    node.parent_id = parent_id
    joined.insert(min(position, len(joined)), node)
    if left and left[0].parent_id != parent_id:
        _count(left)
    _count(joined)


def _count(siblings: list[OutlineNode]) -> None:
    for place, node in enumerate(siblings):
        node.position = place
