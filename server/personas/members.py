"""Who takes part in a conversation: its members' rows, and whose turn it is among them.

Functions take an open session and leave the transaction to the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from server.errors import Invalid
from server.models import Character, ChatMessage, Conversation, Member, Persona
from server.personas.cards import get_persona
from server.personas.turns import Seat, Words, next_speaker

MOST = 16
"""Members of one conversation who are there at a time."""


@dataclass(frozen=True, slots=True)
class Present:
    """A member with their persona; None: it was deleted for good."""

    row: Member
    persona: Persona | None

    @property
    def name(self) -> str:
        return self.row.name if self.persona is None else self.persona.name

    @property
    def called(self) -> str:
        """What they go by in what the model reads."""
        return self.row.name if self.persona is None else self.persona.called

    @property
    def gone(self) -> bool:
        """In the bin or deleted: there is nobody who could speak."""
        return self.persona is None or self.persona.deleted_at is not None

    @property
    def here(self) -> bool:
        return self.row.present and not self.gone


def members(session: Session, conversation_id: str) -> list[Present]:
    """All who ever took part, in the order of turns."""
    query = select(Member).where(Member.conversation_id == conversation_id)
    rows = session.exec(query.order_by(col(Member.position), col(Member.persona_id))).all()
    return [Present(row, session.get(Persona, row.persona_id)) for row in rows]


def seat(session: Session, talk: Conversation, personas: Sequence[Persona]) -> None:
    """Those who begin a conversation."""
    told = [(persona.id, False) for persona in personas]
    arrange(session, talk, told)


def arrange(session: Session, talk: Conversation, wanted: Sequence[tuple[str, bool]]) -> None:
    """Those who are there from now on, in their order, and which of them are muted: whoever else
    was there leaves. Raises NotFound for a persona that is not there, Invalid."""
    ids = [id for id, _ in wanted]
    if talk.persona_id not in ids:
        raise Invalid("对谈里至少要有当初开口的那一位，请留下。", code="first_member_stays")
    if len(set(ids)) < len(ids) or len(ids) > MOST:
        raise Invalid(f"每人只能来一次，最多 {MOST} 位。", code="bad_members")
    held = {member.row.persona_id: member.row for member in members(session, talk.id)}
    for place, (id, muted) in enumerate(wanted):
        row = held.pop(id, None) or Member(
            conversation_id=talk.id, persona_id=id, name=get_persona(session, id).name
        )
        row.sqlmodel_update({"position": place, "muted": muted, "present": True})
        session.add(row)
    for place, row in enumerate(held.values(), len(ids)):
        row.sqlmodel_update({"position": place, "present": False})
        session.add(row)
    session.flush()


def turn_of(
    session: Session, company: Sequence[Present], path: Sequence[ChatMessage], text: str = ""
) -> str | None:
    """The persona who speaks after what was said, the user's `text` last; None: nobody can."""
    here = [member for member in company if member.row.present]
    if len(here) == 1:
        return here[0].row.persona_id
    said = [Words(message.persona_id, message.text) for message in path]
    if text:
        said.append(Words(None, text))
    return next_speaker([_seat(session, member) for member in company], said)


def speaker(session: Session, company: Sequence[Present], id: str | None) -> Persona:
    """The member who is to speak. Raises NotFound, Invalid."""
    if id is None:
        raise Invalid("在场的人都静音了或不在了，请点一位来说。", code="nobody_to_speak")
    if not any(member.row.persona_id == id and member.row.present for member in company):
        raise Invalid("这段对谈里没有这个人物，请先请进来。", code="not_a_member")
    return get_persona(session, id)


def _seat(session: Session, member: Present) -> Seat:
    persona = member.persona
    if persona is None:
        return Seat(member.row.persona_id, (member.name,), free=False)
    names = [persona.name, persona.nickname]
    who = session.get(Character, persona.character_id) if persona.character_id else None
    if who is not None:
        names += [who.name, *who.aliases]
    told = tuple(dict.fromkeys(name for name in names if name))
    return Seat(persona.id, told, free=member.here and not member.row.muted)
