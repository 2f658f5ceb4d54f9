"""Trying lore out for the editor: which entries a text calls, and why the others stay silent."""

from collections.abc import Iterable

from sqlmodel import Session

from retrieval.lore import activate, turns_of
from retrieval.lore.keys import single_character
from retrieval.lore.types import Activation, LoreEntry
from retrieval.timeline import View
from retrieval.types import TokenCounter
from server.engines.base import Engine
from server.errors import EngineError
from server.lore import list_books, list_entries
from server.lore_plain import Spot, as_books, spot_in_chapter
from server.manuscript import get_character, list_chapters
from server.models import Lorebook
from server.models import LoreEntry as EntryRow
from server.schemas.lore import HitOut, KeptOutOut, LoreTestIn, LoreTestOut
from server.story import load_scenes, order_of


def try_lore(session: Session, work_id: str, wanted: LoreTestIn, engine: Engine) -> LoreTestOut:
    """Raises NotFound, or Invalid for an offset outside the chapter."""
    if wanted.knower is not None:
        get_character(session, work_id, wanted.knower)
    spot = _spot(session, work_id, wanted)
    order = order_of(list_chapters(session, work_id))
    books = list_books(session, work_id)
    rows = list_entries(session, [b.id for b in books])
    result = activate(
        as_books(books, rows, order),
        spot.turns,
        View(spot.position, wanted.knower, load_scenes(session, work_id, order)),
        seed=spot.seed,
        count=_counter(engine),
        budget=wanted.budget,
    )
    return _account(result, books, rows, len(spot.turns))


def _spot(session: Session, work_id: str, wanted: LoreTestIn) -> Spot:
    """A text of the author's own stands at the chapter's place, if one is given."""
    if wanted.chapter_id is None:
        return Spot(turns_of(wanted.text or "", wanted.beat), None, work_id)
    spot = spot_in_chapter(session, work_id, wanted.chapter_id, wanted.offset, wanted.beat)
    if wanted.text is None:
        return spot
    return Spot(turns_of(wanted.text, wanted.beat), spot.position, spot.seed)


def _counter(engine: Engine) -> TokenCounter | None:
    """None while the engine does not know its tokenizer: then budgets are not tried."""
    try:
        return engine.tokens
    except EngineError:
        return None


def _account(
    result: Activation, books: list[Lorebook], rows: list[EntryRow], turns: int
) -> LoreTestOut:
    owners = {row.id: row.lorebook_id for row in rows}
    told = {h.entry.id for h in result.hits} | {e.id for e, _ in result.skipped}
    enabled = {b.id for b in books if b.enabled}

    def kept_out(entries: Iterable[tuple[LoreEntry, str]]) -> list[KeptOutOut]:
        return [
            KeptOutOut(id=e.id, lorebook_id=owners[e.id], name=e.title, reason=why)
            for e, why in entries
        ]

    return LoreTestOut(
        turns=turns,
        hits=[
            HitOut(
                id=hit.entry.id,
                lorebook_id=hit.book_id,
                lorebook=hit.book_name,
                name=hit.entry.title,
                text=hit.entry.content,
                kind=hit.cause.kind,
                key=hit.cause.key,
                turn=hit.cause.turn,
                by=hit.cause.by,
                reason=hit.reason,
                tokens=hit.tokens,
                placement=hit.entry.placement,
                depth=hit.entry.depth,
            )
            for hit in result.hits
        ],
        skipped=kept_out(result.skipped),
        silent=[
            KeptOutOut(
                id=row.id,
                lorebook_id=row.lorebook_id,
                name=row.name or next(iter(row.keys), ""),
                reason=_silence(row, enabled),
            )
            for row in rows
            if row.id not in told
        ],
        faults=kept_out(result.faults),
    )


def _silence(row: EntryRow, enabled_books: set[str]) -> str:
    if row.lorebook_id not in enabled_books:
        return "所在的设定集没有启用"
    if not row.enabled:
        return "没有启用"
    if not any(k.strip() for k in row.keys):
        return "既没有关键词，也不是常驻"
    single = next(filter(single_character, row.keys), None)
    if single:
        return (
            f"附近没有单独出现的“{single}”（单字不算词语的一部分；要处处都算，请写成 /{single}/）"
        )
    return "附近没有出现它的关键词"
