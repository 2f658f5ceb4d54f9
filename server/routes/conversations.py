"""Talking with a persona: conversations, their trees of messages, and answers as they are written."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, UploadFile, status
from sqlmodel import Session, col, select
from starlette.responses import Response

from server.deps import Reading, RowId, TheDesk, Writing
from server.errors import NotFound
from server.importing.uploads import uploaded
from server.models import Conversation, Member, Persona, now
from server.personas import cards, members, tree
from server.personas.asked import Asked
from server.personas.export import MEDIA_TYPES, Format, export, extension
from server.personas.files import import_chat
from server.schemas.common import Id
from server.schemas.personas import (
    ConversationChange,
    ConversationNew,
    ConversationOut,
    LeafIn,
    MemberOut,
    MembersIn,
    MessageChange,
    SaidFull,
    SaidOut,
    SayIn,
    SpeakIn,
    StoppedOut,
    TreeOut,
    TurnOut,
)
from server.sse import EventStream

router = APIRouter(prefix="/api/conversations", tags=["conversations"])
STREAM: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {}}}}


@router.get("")
def list_conversations(
    session: Reading, persona_id: Id | None = None, bin: bool = False
) -> list[ConversationOut]:
    """Those in which somebody who is not in the bin takes part (`persona_id`: this one), the last
    talked in first; with `bin` those that were deleted, the latest first."""
    there = select(Member.conversation_id).join(Persona, col(Persona.id) == col(Member.persona_id))
    there = there.where(col(Member.present), col(Persona.deleted_at).is_(None))
    if persona_id is not None:
        there = there.where(Member.persona_id == persona_id)
    query = select(Conversation).where(col(Conversation.id).in_(there))
    query = query.where(col(Conversation.deleted_at).is_not(None) == bin)
    newest = col(Conversation.deleted_at if bin else Conversation.updated_at).desc()
    return [_told(session, row) for row in session.exec(query.order_by(newest)).all()]


@router.post("", status_code=status.HTTP_201_CREATED)
def begin_conversation(wanted: ConversationNew, session: Writing) -> ConversationOut:
    persona = cards.get_persona(session, wanted.persona_id)
    others = [cards.get_persona(session, id) for id in wanted.others]
    fields = wanted.model_dump(exclude={"persona_id", "others", "greeting"})
    return _told(session, tree.begin(session, persona, fields, wanted.greeting, others))


@router.post("/import", status_code=status.HTTP_201_CREATED)
def import_conversation(
    persona_id: Annotated[Id, Form()], file: UploadFile, session: Writing, desk: TheDesk
) -> ConversationOut:
    """A chat of SillyTavern's (JSONL), as a new conversation with the persona."""
    persona = cards.get_persona(session, persona_id)
    data = uploaded(file, desk.settings.max_import_bytes)
    return _told(session, import_chat(session, persona, data, file.filename or ""))


@router.get("/{conversation_id}")
def get_conversation(conversation_id: RowId, session: Reading) -> ConversationOut:
    return _told(session, tree.get_conversation(session, conversation_id))


@router.patch("/{conversation_id}")
def change_conversation(
    conversation_id: RowId, change: ConversationChange, session: Writing
) -> ConversationOut:
    talk = tree.get_conversation(session, conversation_id)
    talk.sqlmodel_update(change.model_dump(exclude_none=True))
    session.add(talk)
    return _told(session, talk)


@router.put("/{conversation_id}/members")
def put_members(conversation_id: RowId, wanted: MembersIn, session: Writing) -> ConversationOut:
    """The whole list, in the order of turns: whoever is not named leaves, and what they said
    stays. The one with whom it began cannot leave."""
    talk = tree.get_conversation(session, conversation_id)
    members.arrange(session, talk, [(one.persona_id, one.muted) for one in wanted.members])
    return _told(session, talk)


@router.get("/{conversation_id}/turn")
def get_turn(conversation_id: RowId, session: Reading, message_id: Id | None = None) -> TurnOut:
    """Who speaks next after a message, if the user says nothing that names somebody else."""
    talk = tree.get_conversation(session, conversation_id)
    path = tree.path(tree.messages(session, talk.id), message_id or talk.leaf_id)
    company = members.members(session, talk.id)
    return TurnOut(persona_id=members.turn_of(session, company, path))


@router.delete("/{conversation_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_conversation(conversation_id: RowId, session: Writing, desk: TheDesk) -> None:
    """Into the bin; an answer that is being written there ends."""
    talk = tree.get_conversation(session, conversation_id)
    talk.deleted_at = now()
    session.add(talk)
    desk.talker.stop(conversation_id)
    desk.memories.forget(session, talk)


@router.post("/{conversation_id}/restore")
def restore_conversation(conversation_id: RowId, session: Writing) -> ConversationOut:
    talk = session.get(Conversation, conversation_id)
    if talk is None or talk.deleted_at is None:
        raise NotFound("没有这段对谈，它可能已被删除。", code="conversation_not_found")
    talk.deleted_at = None
    session.add(talk)
    return _told(session, talk)


@router.get("/{conversation_id}/tree")
def get_tree(conversation_id: RowId, session: Reading) -> TreeOut:
    talk = tree.get_conversation(session, conversation_id)
    rows = tree.messages(session, talk.id)
    return TreeOut(leaf_id=talk.leaf_id, messages=[SaidOut.model_validate(row) for row in rows])


@router.post("/{conversation_id}/leaf")
def stand_at(conversation_id: RowId, wanted: LeafIn, session: Writing) -> ConversationOut:
    """Turn to another version or branch."""
    talk = tree.get_conversation(session, conversation_id)
    message = tree.get_message(session, talk.id, wanted.message_id)
    rows = [] if wanted.exact else tree.messages(session, talk.id)
    tree.stand_at(session, talk, tree.newest_below(rows, message.id))
    return _told(session, talk)


@router.get("/{conversation_id}/export")
def export_conversation(
    conversation_id: RowId,
    session: Reading,
    form: Annotated[Format, Query(alias="format")] = "txt",
    persona_id: Id | None = None,
) -> Response:
    """What is on the page, to read, as one line of ShareGPT training data, in which the assistant
    is `persona_id` (else the one with whom it began), or as a chat of SillyTavern's."""
    talk = tree.get_conversation(session, conversation_id)
    company = members.members(session, talk.id)
    title = talk.title or "、".join(member.name for member in company)
    name = quote(f"{title}.{extension(form)}", safe="")
    return Response(
        export(company, talk, tree.messages(session, talk.id), form, persona_id),
        media_type=MEDIA_TYPES[form],
        headers={"content-disposition": f"attachment; filename*=UTF-8''{name}"},
    )


@router.post("/{conversation_id}/messages", responses=STREAM, response_class=Response)
async def say(conversation_id: RowId, wanted: SayIn, desk: TheDesk) -> Response:
    """Events `message` (what was said), `prompt`, `delta`…, then `done` or `error`."""
    asked = Asked(conversation_id, "say", wanted.parent_id, wanted.text, wanted.persona_id)
    return EventStream(desk.talker.events(await desk.talker.prepare(asked)))


@router.post("/{conversation_id}/speak", responses=STREAM, response_class=Response)
async def speak(conversation_id: RowId, wanted: SpeakIn, desk: TheDesk) -> Response:
    """Somebody goes on, the user saying nothing: events `prompt`, `delta`…, `done` for each turn,
    or `error`."""
    asked = Asked(conversation_id, "speak", wanted.parent_id, speaker_id=wanted.persona_id)
    ready = await desk.talker.prepare(asked)
    return EventStream(desk.talker.several(ready, wanted.turns))


@router.post(
    "/{conversation_id}/messages/{message_id}/again", responses=STREAM, response_class=Response
)
async def answer_again(conversation_id: RowId, message_id: RowId, desk: TheDesk) -> Response:
    """Another answer beside this one; to a user's message, an answer to it."""
    asked = Asked(conversation_id, "again", message_id)
    return EventStream(desk.talker.events(await desk.talker.prepare(asked)))


@router.post(
    "/{conversation_id}/messages/{message_id}/continue", responses=STREAM, response_class=Response
)
async def go_on(conversation_id: RowId, message_id: RowId, desk: TheDesk) -> Response:
    """The answer gone on with where it stopped, beside the shorter one."""
    asked = Asked(conversation_id, "continue", message_id)
    return EventStream(desk.talker.events(await desk.talker.prepare(asked)))


@router.post("/{conversation_id}/stop")
def stop(conversation_id: RowId, desk: TheDesk) -> StoppedOut:
    """End the answer that is being written; its stream ends with `done` and what there is."""
    return StoppedOut(stopped=desk.talker.stop(conversation_id))


@router.get("/{conversation_id}/messages/{message_id}")
def get_message(conversation_id: RowId, message_id: RowId, session: Reading) -> SaidFull:
    talk = tree.get_conversation(session, conversation_id)
    return SaidFull.model_validate(tree.get_message(session, talk.id, message_id))


@router.patch("/{conversation_id}/messages/{message_id}", status_code=status.HTTP_201_CREATED)
def edit_message(
    conversation_id: RowId, message_id: RowId, change: MessageChange, session: Writing
) -> SaidOut:
    """The message as it should have been, beside the one that was said."""
    talk = tree.get_conversation(session, conversation_id)
    message = tree.get_message(session, talk.id, message_id)
    return SaidOut.model_validate(tree.edit(session, talk, message, change.text))


def _told(session: Session, talk: Conversation) -> ConversationOut:
    company = [
        MemberOut(
            persona_id=member.row.persona_id, name=member.name, muted=member.row.muted,
            present=member.row.present, gone=member.gone,
        )
        for member in members.members(session, talk.id)
    ]  # fmt: skip
    return ConversationOut(**talk.model_dump(), members=company)
