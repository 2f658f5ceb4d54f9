"""The order of the telling: chapters across volumes.

A chapter's `position` counts over the whole work. Functions take an open session and leave the
transaction to the caller. A locked chapter's text may not change; its place may.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

from sqlmodel import Session

from server.errors import Invalid, NotFound
from server.manuscript import list_chapters, list_volumes
from server.models import Chapter, Volume, now

SHOWN = 5
"""Chapters that a refusal names."""


def arrange(
    session: Session,
    work_id: str,
    loose: Sequence[str],
    volumes: Sequence[tuple[str, Sequence[str]]],
) -> None:
    """Put the work in this order: loose chapters, then each volume's, all by their ids.

    Raises Invalid, `order_incomplete`, unless every volume and every chapter that is not in the
    bin is named exactly once.
    """
    chapters = {c.id: c for c in list_chapters(session, work_id)}
    rows = {v.id: v for v in list_volumes(session, work_id)}
    told = [*loose, *chain.from_iterable(ids for _, ids in volumes)]
    _check_once("卷", [id for id, _ in volumes], {id: v.title for id, v in rows.items()})
    _check_once("章", told, {id: c.title for id, c in chapters.items()})
    for place, (volume_id, ids) in enumerate(volumes):
        rows[volume_id].position = place
        for id in ids:
            chapters[id].volume_id = volume_id
    for id in loose:
        chapters[id].volume_id = None
    session.add_all([*rows.values(), *chapters.values()])
    _renumber(session, [chapters[id] for id in told])


def move_chapter(session: Session, chapter: Chapter, position: int) -> None:
    others = _others(session, chapter)
    others.insert(min(position, len(others)), chapter)
    _renumber(session, others)


def end_of_volume(session: Session, work_id: str, volume_id: str) -> int:
    """The place behind the volume's last chapter; for an empty one, behind those before it."""
    return _end_of(volume_id, list_volumes(session, work_id), list_chapters(session, work_id))


def into_volume(session: Session, chapter: Chapter, volume_id: str) -> None:
    """To the end of the volume, in the telling as well."""
    chapter.volume_id = volume_id
    place = _end_of(volume_id, list_volumes(session, chapter.work_id), _others(session, chapter))
    move_chapter(session, chapter, place)


def bin_chapter(session: Session, chapter: Chapter) -> None:
    """Into the bin; the others close the gap."""
    chapter.deleted_at = now()
    session.add(chapter)
    session.flush()
    _renumber(session, list_chapters(session, chapter.work_id))


def restore_chapter(session: Session, work_id: str, chapter_id: str) -> Chapter:
    """Out of the bin, to the place it had, or the nearest one in its volume."""
    chapter = session.get(Chapter, chapter_id)
    if chapter is None or chapter.work_id != work_id or chapter.deleted_at is None:
        raise NotFound("回收处没有这一章。", code="chapter_not_found")
    place = chapter.position
    chapter.deleted_at = None
    session.add(chapter)
    session.flush()
    if chapter.volume_id is not None:
        others = _others(session, chapter)
        end = _end_of(chapter.volume_id, list_volumes(session, work_id), others)
        mine = (n for n, other in enumerate(others) if other.volume_id == chapter.volume_id)
        place = max(next(mine, end), min(place, end))
    move_chapter(session, chapter, place)
    return chapter


def move_volume(session: Session, volume: Volume, position: int) -> None:
    """Among the volumes, and its chapters in the telling; loose ones stay between the others."""
    others = [v for v in list_volumes(session, volume.work_id) if v.id != volume.id]
    others.insert(min(position, len(others)), volume)
    for place, row in enumerate(others):
        row.position = place
        session.add(row)
    chapters = list_chapters(session, volume.work_id)
    rest = [c for c in chapters if c.volume_id != volume.id]
    place = _end_of(volume.id, others, rest)
    mine = [c for c in chapters if c.volume_id == volume.id]
    _renumber(session, [*rest[:place], *mine, *rest[place:]])


def _others(session: Session, chapter: Chapter) -> list[Chapter]:
    return [c for c in list_chapters(session, chapter.work_id) if c.id != chapter.id]


def _renumber(session: Session, chapters: Sequence[Chapter]) -> None:
    for place, chapter in enumerate(chapters):
        if chapter.position != place:
            chapter.position = place
            session.add(chapter)


def _end_of(volume_id: str, volumes: Sequence[Volume], chapters: Sequence[Chapter]) -> int:
    until: set[str | None] = set()
    for volume in volumes:
        until.add(volume.id)
        if volume.id == volume_id:
            break
    ends = [place + 1 for place, chapter in enumerate(chapters) if chapter.volume_id in until]
    return max(ends) if ends else _leading_loose(chapters)


def _leading_loose(chapters: Iterable[Chapter]) -> int:
    count = 0
    for chapter in chapters:
        if chapter.volume_id is not None:
            break
        count += 1
    return count


def _check_once(what: str, told: Sequence[str], titles: dict[str, str]) -> None:
    """Raises Invalid unless the ids told are exactly those that have titles."""
    count = Counter(told)
    missing = [title or "未命名" for id, title in titles.items() if id not in count]
    twice = [titles[id] or "未命名" for id, n in count.items() if n > 1 and id in titles]
    strange = sum(id not in titles for id in count)
    faults = [
        *([f"漏了 {len(missing)} {what}（{_named(missing)}）"] if missing else []),
        *([f"重复了 {len(twice)} {what}（{_named(twice)}）"] if twice else []),
        *([f"有 {strange} 个编号不是这部作品的{what}"] if strange else []),
    ]
    if faults:
        raise Invalid(f"新的次序{'，'.join(faults)}，请刷新后再排。", code="order_incomplete")


def _named(titles: Sequence[str]) -> str:
    more = "……" if len(titles) > SHOWN else ""
    return "、".join(titles[:SHOWN]) + more
