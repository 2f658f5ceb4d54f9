"""Recaps that the author writes, and takes back."""

from sqlmodel import Session

from retrieval.memory.fresh import AUTHOR
from retrieval.memory.plan import Key
from server.errors import NotFound
from server.recaps.rows import find_row, keep, load_memory, made, wanted_node


def write(session: Session, work_id: str, key: Key, text: str) -> None:
    """The author's own word, written to the texts as they are now. Raises NotFound."""
    memory = load_memory(session, work_id)
    node = wanted_node(memory, key)
    keep(session, work_id, made(memory, node, text, AUTHOR, AUTHOR), over_author=True)


def take_back(session: Session, work_id: str, key: Key) -> None:
    """Forget what the author wrote here, so that it is made again. Raises NotFound."""
    row = find_row(session, work_id, key)
    if row is None or row.maker != AUTHOR:
        raise NotFound("这里没有手写的前情可以撤掉。", code="recap_not_found")
    session.delete(row)
