"""What an author should look at in chapters as they were cut."""

from collections import Counter
from collections.abc import Iterator, Sequence

from retrieval.book import BookChapter, Doubt
from retrieval.heading_lines import parse
from retrieval.repeated_headings import key_of

SHORT_CHAPTER = 50
LONG_CHAPTER = 30_000
DOUBTS_PER_CODE = 20
"""More doubts of one kind than this are counted, not listed."""


def doubts_about(chapters: Sequence[BookChapter]) -> Iterator[Doubt]:
    """Lengths, repeated titles, breaks in the numbering and endings amid chapters."""
    seen: Counter[tuple[str | None, str]] = Counter()
    before: BookChapter | None = None
    ending: BookChapter | None = None
    for chapter in chapters:
        if chapter.heading:
            yield from _length_doubts(chapter)
        place = (chapter.volume, key_of(chapter.title))
        repeated = seen[place] > 0
        seen[place] += 1
        if repeated:
            message = f"第 {chapter.line} 行的标题“{chapter.title}”前面已经有过，两处都保留了。"
            yield Doubt("duplicate_heading", message, chapter.line)
        if chapter.number is not None and chapter.kind == "chapter":
            if not repeated:
                yield from _number_doubts(before, chapter)
            if ending is not None and before is not None and before.volume == chapter.volume:
                message = f"“{ending.title}”夹在“{before.title}”和“{chapter.title}”之间，请核对。"
                yield Doubt("ending_amid_chapters", message, ending.line)
            before, ending = chapter, None
        elif chapter.kind == "afterword":
            ending = chapter


def _length_doubts(chapter: BookChapter) -> Iterator[Doubt]:
    length = len(chapter.text)
    if not length:
        yield Doubt("empty_chapter", f"“{chapter.title}”只有标题，没有正文。", chapter.line)
    elif length < SHORT_CHAPTER:
        message = f"“{chapter.title}”只有 {length} 个字，请看看标题是否认错。"
        yield Doubt("short_chapter", message, chapter.line)
    elif length > LONG_CHAPTER:
        message = f"“{chapter.title}”长达 {length} 个字，请看看里面是否漏认了标题。"
        yield Doubt("long_chapter", message, chapter.line)


def _number_doubts(before: BookChapter | None, chapter: BookChapter) -> Iterator[Doubt]:
    number = chapter.number or 0
    heading = parse(before.heading) if before else None
    last = (heading.last if heading else None) or (before.number if before else 0) or 0
    new_volume = before is not None and before.volume != chapter.volume
    if number == last + 1 or (number in (0, 1) and (before is None or new_volume)):
        return
    where = f"“{before.title}”之后是“{chapter.title}”" if before else f"从“{chapter.title}”开始"
    if number > last:
        yield Doubt("numbering_gap", f"{where}，中间可能缺章或漏认了标题。", chapter.line)
    elif number == last:
        yield Doubt("numbering_repeat", f"{where}，编号重复。", chapter.line)
    else:
        yield Doubt("numbering_restart", f"{where}，编号往回跳了，请核对。", chapter.line)


def limited(doubts: Sequence[Doubt]) -> Iterator[Doubt]:
    """At most DOUBTS_PER_CODE of each kind; the others as one sentence with an example."""
    counts: Counter[str] = Counter()
    for doubt in doubts:
        counts[doubt.code] += 1
        if counts[doubt.code] <= DOUBTS_PER_CODE:
            yield doubt
    for code, count in counts.items():
        if count > DOUBTS_PER_CODE:
            example = next(d for d in doubts if d.code == code).message.rstrip("。")
            yield Doubt(code, f"另有 {count - DOUBTS_PER_CODE} 处同类情况（如：{example}）。")
