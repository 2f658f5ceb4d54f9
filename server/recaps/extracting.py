"""Recaps from sentences of the text: every one that is missing or stale, at once.

Each is a transaction of its own and nothing is remembered between two but what the rows say,
so a crash leaves whole recaps and the rest to be made.
"""

from collections.abc import Iterator

from retrieval.memory import extract
from retrieval.memory.fresh import AUTHOR, EXTRACTIVE, Recap, Status, settled, status
from retrieval.memory.plan import Key, Node
from server.db import Database
from server.errors import NotFound
from server.manuscript import get_work
from server.recaps.rows import Memory, drop_unwanted, keep, load_memory, made, read_texts


def extract_all(database: Database, work_id: str) -> Iterator[Key]:
    """Make what is missing or stale; yields each recap that was made.

    A stale recap of the model's is replaced too: what is poorer and true goes before what is
    better and was true. The author's own stay.
    """
    try:
        with database.reading() as session:
            get_work(session, work_id)
            memory = load_memory(session, work_id)
    except NotFound:
        return
    drop_unwanted(database, work_id, memory)
    found = memory.statuses()
    for node in memory.plan.nodes.values():
        # What it reads may just have been made anew, with the old words or others.
        found[node.key] = status(memory.plan, node, memory.recaps, found)
        if _stands(memory.recaps.get(node.key), found[node.key]):
            continue
        readable = all(settled(key, memory.recaps, found) for key in node.reads)
        recap = _extract(database, work_id, memory, node) if readable else None
        if recap is None:
            return  # the book changed under our hands; the save that did it asks again
        memory.recaps[node.key] = recap
        found[node.key] = Status.FRESH
        yield node.key


def _stands(recap: Recap | None, now: Status) -> bool:
    """Whether it is the author's, or true and made as it would be now."""
    if recap is None:
        return False
    if recap.maker == EXTRACTIVE and recap.version != extract.VERSION:
        return False
    return recap.maker == AUTHOR or now is Status.FRESH


def _extract(database: Database, work_id: str, memory: Memory, node: Node) -> Recap | None:
    with database.reading() as session:
        texts = read_texts(session, memory, node)
    if not texts:
        return None
    told = extract.extract(node.key.level, texts, memory.plan.parts_in(node))
    recap = made(memory, node, told, EXTRACTIVE, extract.VERSION)
    with database.session() as session:
        return recap if keep(session, work_id, recap) else None
