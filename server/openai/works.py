"""A work as a model: the desk's own continuation prompt, asked for through a conversation.

The last `user` message says what happens next. What the assistant has said so far is taken for
text that stands behind the place of writing and is not in the book yet, so a conversation goes
on like a chapter. A `system` message joins the wish.
"""

from collections.abc import Sequence

from retrieval.types import Group
from server.desk import Desk
from server.manuscript import list_chapters
from server.models import Work
from server.openai.errors import ApiError
from server.openai.prepared import Prepared
from server.openai.schemas import ChatIn, Message, YanchiIn
from server.openai.window import characters_of, nothing_said, too_long
from server.schemas.generation import SamplingIn
from server.writing.brief import Place
from server.writing.continuation import Wish

LENGTH = 500
"""Characters that are aimed at where neither a length nor a number of tokens is asked for."""


def adapter_of(desk: Desk, work_id: str) -> str | None:
    """What the author last chose for the work."""
    with desk.database.reading() as session:
        work = session.get(Work, work_id)
        chosen = (work.defaults if work else {}).get("adapter")
        return chosen if isinstance(chosen, str) and chosen else None


async def prepare_work(desk: Desk, work_id: str, asked: ChatIn, adapter: str | None) -> Prepared:
    """Raises NotFound, Invalid, Refused, EngineStarting, ApiError."""
    wish = asked.yanchi or YanchiIn()
    length = wish.length or characters_of(asked.most_tokens) or LENGTH
    place = Place(
        work_id=work_id,
        chapter_id=wish.position.chapter if wish.position else _last_chapter(desk, work_id),
        offset=wish.position.offset if wish.position else None,
        beat=_beat(asked.messages, wish),
        length=length,
        viewpoint=wish.viewpoint,
        written=_written(asked.messages),
    )
    sampling = SamplingIn().plain(length)
    made = await desk.continuation.prepare(Wish(place, 1, adapter, sampling, wish.retrieval))
    shown = sum(len(p.text) for p in made.prompt.kept if p.item.group is Group.TAIL)
    if wish.overflow == "refuse" and shown < len(place.written):
        raise too_long(made.prompt.budget)
    return Prepared(made.request, made.prompt)


def _last_chapter(desk: Desk, work_id: str) -> str:
    with desk.database.reading() as session:
        chapters = list_chapters(session, work_id)
    if not chapters:
        raise ApiError(
            "This work has no chapters yet; there is nothing to go on with.",
            param="model", code="chapter_not_found",
        )  # fmt: skip
    return chapters[-1].id


def _beat(messages: Sequence[Message], wish: YanchiIn) -> str:
    last = messages[-1]
    parts = [m.text for m in messages if m.role in ("system", "developer")]
    parts += [last.text] if last.role in ("user", "tool") else []
    parts.append(wish.beat)
    return "\n".join(part.strip() for part in parts if part.strip())


def _written(messages: Sequence[Message]) -> str:
    texts = [m.text for m in messages if m.role == "assistant" and m.text.strip()]
    if not texts and all(not m.text.strip() for m in messages):
        raise nothing_said()
    return "".join(texts)
