"""What the prompt hears of recaps."""

from sqlmodel import Session

from retrieval.memory.fresh import Recaps, Status, statuses
from retrieval.memory.items import recap_items
from retrieval.memory.plan import Key, Plan
from retrieval.timeline import View
from retrieval.types import ContextItem
from server.kept import Kept
from server.recaps.rows import load_memory


def recap_notes(
    session: Session, work_id: str, view: View, *, automatic: bool = True
) -> list[ContextItem]:
    """Recaps of what is past at `view`, as items of Group.RECAP in the order of the story.

    `automatic` False (the setting `recaps` is `off`) leaves only what the author wrote.
    """
    memory = load_memory(session, work_id)
    found = _found.of(work_id, (memory.plan, memory.recaps))
    return recap_items(memory.plan, memory.recaps, view, found, automatic=automatic)


_found: Kept[tuple[Plan, Recaps], dict[Key, Status]] = Kept(lambda told: statuses(*told))
