"""The rows of a conversation's memory: what was said, and what was told of it.

Functions take an open session and leave the transaction to the caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from retrieval.memory.fresh import AUTHOR
from server.errors import Conflict
from server.models import (
    ChatMessage,
    Conversation,
    Member,
    Persona,
    TalkMemory,
    TalkSummary,
    now,
)
from server.personas.memory import rolling
from server.personas.memory.rolling import Line

SUMMARY = "summary:"
"""How a summary's item begins its id, before `upto_id`."""


@dataclass(frozen=True, slots=True)
class Told:
    """The summary of a path's beginning, as it stands."""

    text: str
    end: int
    """How many lines it tells."""
    upto_id: str
    maker: str = ""
    """As `TalkSummary.maker`; empty: some of it, or all, is extracted."""


@dataclass(frozen=True, slots=True)
class Past:
    """What a conversation's path said, and the rows that tell of it."""

    lines: Sequence[Line]
    rows: Sequence[TalkSummary] = ()
    stops: Sequence[int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "stops", rolling.ends(self.lines))

    @property
    def names(self) -> set[str]:
        return {line.name for line in self.lines}

    def stop(self, lines: int) -> int | None:
        """The first end of a stretch with at least so many lines before it."""
        return next((stop for stop in self.stops if stop >= lines), None)

    def place(self, upto_id: str) -> int | None:
        """How many lines there are up to that message; None: it is on another branch."""
        return next((n for n, line in enumerate(self.lines, 1) if line.id == upto_id), None)

    def best(self, end: int) -> tuple[int, TalkSummary | None]:
        """(how many lines it tells, the row that tells most of the first `end` and is true)."""
        return max(
            ((n, row) for n, row in self._true().items() if n <= end),
            key=lambda found: found[0],
            default=(0, None),
        )

    def told(self, end: int) -> Told:
        """The summary of the first `end` lines, extracted where no row tells them."""
        begin, row = self.best(end)
        upto_id = self.lines[end - 1].id
        if row is not None and begin == end:
            return Told(row.text, end, upto_id, row.maker)
        before = "" if row is None else row.text
        text = rolling.roll(before, self.lines, self.stops, begin, end)
        return Told(rolling.shown(text, self.names), end, upto_id)

    def _true(self) -> dict[int, TalkSummary]:
        """The rows of this path that read what stands now, by how many lines they tell. What went
        on from a summary is not true any more once the author wrote another one before it."""
        by_place = {self.place(row.upto_id): row for row in self.rows}
        found: dict[int, TalkSummary] = {}
        written = 0
        for n in sorted(n for n in by_place if n is not None):
            row = by_place[n]
            begin = 0 if row.since_id is None else self.place(row.since_id) or 0
            if row.since_id is not None and begin not in found:
                continue
            before = found[begin].text if begin else ""
            by_author = row.maker == AUTHOR
            if begin < written and not by_author:
                continue
            if rolling.ground(before, self.lines[begin:n]) == row.source_hash:
                found[n] = row
                written = n if by_author else written
        return found


def load_past(session: Session, talk: Conversation, upto_id: str | None) -> Past:
    """All that was said from the first message to that one."""
    asked = columns(
        col(ChatMessage.id), col(ChatMessage.parent_id), col(ChatMessage.role),
        col(ChatMessage.persona_id), col(ChatMessage.text),
    ).where(col(ChatMessage.conversation_id) == talk.id)  # fmt: skip
    rows = {row[0]: row for row in session.execute(asked)}
    names = names_of(session, talk)
    lines: list[Line] = []
    while upto_id is not None and upto_id in rows:
        id, upto_id, role, persona_id, text = rows[upto_id]
        user = role == "user"
        lines.append(Line(id, talk.user_name if user else names.get(persona_id, ""), text, user))
    told = select(TalkSummary).where(TalkSummary.conversation_id == talk.id)
    return Past(lines[::-1], session.exec(told).all())


def names_of(session: Session, talk: Conversation) -> dict[str | None, str]:
    """What those who take part are called, by their personas' ids; None: whoever it began with."""
    members = select(Member.persona_id, Member.name).where(Member.conversation_id == talk.id)
    names: dict[str | None, str] = {}
    for id, name in session.exec(members):
        names[id] = name
    present = select(Persona).where(col(Persona.id).in_({*names, talk.persona_id}))
    for persona in session.exec(present):
        names[persona.id] = persona.called
    names[None] = names.get(talk.persona_id, "")
    return names


def last_told(session: Session, talk: Conversation) -> tuple[Past, Told] | None:
    """The summary that stood in the last answer on the page, as it is now; None: all stood."""
    past = load_past(session, talk, talk.leaf_id)
    for line in reversed([line for line in past.lines if not line.user]):
        row = session.get(ChatMessage, line.id)
        if row is None or row.origin != "generated":
            continue
        ids = (item["id"] for item in row.prompt.get("kept", ()))
        upto = next((id.removeprefix(SUMMARY) for id in ids if id.startswith(SUMMARY)), None)
        end = None if upto is None else past.place(upto)
        return None if end is None else (past, past.told(end))
    return None


def need_told(session: Session, talk: Conversation) -> tuple[Past, Told]:
    """Raises Conflict where nothing was summed up."""
    found = last_told(session, talk)
    if found is None:
        raise Conflict("这段对谈的话还都在眼前，没有概括可改。", code="nothing_summed")
    return found


def write(session: Session, talk: Conversation, past: Past, told: Told, text: str) -> None:
    """The author's own words in the place of what is told of the first `told.end` lines."""
    made = TalkSummary(
        conversation_id=talk.id, upto_id=told.upto_id, text=text, maker=AUTHOR,
        source_hash=rolling.ground("", past.lines[: told.end]),
    )  # fmt: skip
    put(session, made)


def put(session: Session, made: TalkSummary) -> None:
    """In the place of the row of the same message."""
    row = find(session, made.conversation_id, made.upto_id)
    if row is None:
        session.add(made)
        return
    fields = made.model_dump(include={"since_id", "text", "maker", "source_hash"})
    row.sqlmodel_update({**fields, "updated_at": now()})
    session.add(row)


def find(session: Session, conversation_id: str, upto_id: str) -> TalkSummary | None:
    query = select(TalkSummary).where(
        TalkSummary.conversation_id == conversation_id, TalkSummary.upto_id == upto_id
    )
    return session.exec(query).first()


def forget(session: Session, talk: Conversation, upto_id: str) -> None:
    """What was told up to that message, whoever told it: it is made anew."""
    row = find(session, talk.id, upto_id)
    if row is not None:
        session.delete(row)
        session.flush()


def others_count(session: Session, conversation_id: str) -> bool:
    """Whether other conversations are remembered in this one."""
    row = session.get(TalkMemory, conversation_id)
    return True if row is None else row.others


def choose(session: Session, conversation_id: str, *, others: bool) -> None:
    row = session.get(TalkMemory, conversation_id) or TalkMemory(conversation_id=conversation_id)
    row.others = others
    session.add(row)
