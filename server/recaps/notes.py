"""What the prompt hears of recaps."""

from sqlmodel import Session

from retrieval.memory.items import recap_items
from retrieval.timeline import View
from retrieval.types import ContextItem
from server.recaps.rows import load_memory


def recap_notes(
    session: Session, work_id: str, view: View, *, automatic: bool = True
) -> list[ContextItem]:
    """Recaps of what is past at `view`, as items of Group.RECAP in the order of the story.

    `automatic` False (the setting `recaps` is `off`) leaves only what the author wrote.
    """
    memory = load_memory(session, work_id)
    return recap_items(memory.plan, memory.recaps, view, automatic=automatic)
