"""What a persona remembers of a conversation: its summary, by hand or made anew, and what counts."""

from fastapi import APIRouter
from sqlmodel import Session

from retrieval.memory.fresh import AUTHOR
from server.deps import Reading, RowId, TheDesk, Writing
from server.desk import Desk
from server.models import Conversation
from server.personas import tree
from server.personas.memory import summaries
from server.personas.memory.summaries import Told
from server.personas.memory.writer import Wish
from server.schemas.memory import MemoryChange, MemoryOut, SummaryOut, SummaryText

router = APIRouter(prefix="/api/conversations/{conversation_id}/memory", tags=["conversations"])


@router.get("")
def get_memory(conversation_id: RowId, session: Reading, desk: TheDesk) -> MemoryOut:
    return _memory(session, desk, tree.get_conversation(session, conversation_id))


@router.patch("")
def change_memory(
    conversation_id: RowId, change: MemoryChange, session: Writing, desk: TheDesk
) -> MemoryOut:
    talk = tree.get_conversation(session, conversation_id)
    summaries.choose(session, talk.id, others=change.others)
    return _memory(session, desk, talk)


@router.put("/summary")
def write_summary(
    conversation_id: RowId, wanted: SummaryText, session: Writing, desk: TheDesk
) -> MemoryOut:
    """The author's own words: kept, and gone on from where more turns leave the prompt."""
    talk = tree.get_conversation(session, conversation_id)
    past, told = summaries.need_told(session, talk)
    summaries.write(session, talk, past, told, wanted.text)
    session.flush()
    return _memory(session, desk, talk)


@router.post("/summary/anew")
def tell_anew(conversation_id: RowId, session: Writing, desk: TheDesk) -> MemoryOut:
    """Forget what stands, the author's words too; the model tells it anew where the settings let
    it, and the talk's own sentences stand until it has."""
    talk = tree.get_conversation(session, conversation_id)
    _, told = summaries.need_told(session, talk)
    summaries.forget(session, talk, told.upto_id)
    session.commit()
    if desk.recaps.mode in ("auto", "model"):
        desk.memories.summaries.want(Wish(talk.id, told.upto_id), by_hand=True)
    return _memory(session, desk, talk)


def _memory(session: Session, desk: Desk, talk: Conversation) -> MemoryOut:
    found = summaries.last_told(session, talk)
    others = summaries.others_count(session, talk.id)
    return MemoryOut(summary=_summary(desk, talk, found[1]) if found else None, others=others)


def _summary(desk: Desk, talk: Conversation, told: Told) -> SummaryOut:
    wish = Wish(talk.id, told.upto_id)
    by_model = told.maker not in ("", AUTHOR)
    return SummaryOut(
        text=told.text,
        maker="model" if by_model else "author" if told.maker else "extractive",
        model=told.maker if by_model else "",
        turns=told.end,
        telling=desk.memories.summaries.waiting(wish),
        refused=desk.memories.summaries.refusal(wish),
    )
