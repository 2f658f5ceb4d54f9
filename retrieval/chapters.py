"""Lines and their chosen headings to a book of chapters.

Chapters keep their text to the last character: only blank lines at their edges are cut, and
those between paragraphs where they are spacing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from retrieval.book import Book, BookChapter, Choice, Doubt, Heading, Mark, Order, Source
from retrieval.doubts import doubts_about, limited
from retrieval.errors import ReadError
from retrieval.front_matter import Front, first_lines, from_file_name
from retrieval.heading_lines import clean, parse
from retrieval.headings import as_chosen
from retrieval.marks import book_title
from retrieval.spacing import closed_up, empty_lines, is_spaced
from retrieval.ways import choice_by, ways


def make_book(source: Source, order: Order) -> Book:
    """The book that a source is when it is cut as the order says.

    Raises ReadError where the author calls a missing or blank line a heading, or asks for a way
    of telling chapters that the source does not have.
    """
    lines = source.lines
    titled, marks = book_title(source.marks) if source.marks else (None, ())
    known = _declared(source.front, titled)
    first = choice_by(source, marks, known.lines, order.pattern)
    choice = _corrected(first, lines, order)
    named, writer = from_file_name(order.name)
    stop = choice.headings[0].line if choice.headings else len(lines)
    front = first_lines(lines, stop, choice.skipped | known.lines, {named, known.title or named})
    title = known.title or front.title or named
    chapters, more = _chapters(lines, choice, title, front.lines, known.lines)
    chapters = _retitled(chapters, order.titles)
    blank_lines = empty_lines(chapters)
    drop = order.drop_blank_lines
    if drop is None:
        drop = source.form == "md" and is_spaced(chapters)
    if drop:
        chapters = closed_up(chapters)
    return Book(
        title,
        known.author or front.author or writer,
        tuple(chapters),
        tuple(limited([*source.doubts, *choice.doubts, *more, *doubts_about(chapters)])),
        source.form,
        source.encoding,
        source.encodings,
        order.pattern,
        ways(source, marks, order.pattern, first),
        blank_lines,
        drop,
    )


def _declared(front: Front, mark: Mark | None) -> Front:
    """What the format says of the whole book, a heading above all others included."""
    if mark is None:
        return front
    lines = front.lines | {*range(mark.line, mark.end)}
    return Front(front.title or clean(mark.text) or None, front.author, frozenset(lines))


def _retitled(chapters: Sequence[BookChapter], titles: Mapping[int, str]) -> list[BookChapter]:
    """The chapters under the titles that their author gave them."""
    return [_renamed(c, titles[c.line]) if titles.get(c.line) else c for c in chapters]


def _renamed(chapter: BookChapter, title: str) -> BookChapter:
    heading = parse(title)
    if heading is None or heading.certainty != "sure":
        return replace(chapter, title=clean(title), number=None)
    return replace(chapter, title=clean(title), number=heading.number, kind=heading.kind)


def _corrected(choice: Choice, lines: Sequence[str], order: Order) -> Choice:
    """The choice after the author's own corrections."""
    add = {number - 1 for number in order.add_headings}
    drop = {number - 1 for number in order.drop_headings}
    for line in sorted(add):
        if not (0 <= line < len(lines) and lines[line].strip()):
            raise ReadError(f"第 {line + 1} 行不存在或是空行，不能作标题，请另选一行。")
    headings = [c for c in choice.headings if drop.isdisjoint(range(c.line, c.end))]
    taken = {line for c in headings for line in range(c.line, c.end)}
    headings += [as_chosen(line, lines[line], headings) for line in sorted(add - drop - taken)]
    settled = {line + 1 for line in add | drop}
    doubts = tuple(
        d for d in choice.doubts if d.code != "looks_like_heading" or d.line not in settled
    )
    ordered = tuple(sorted(headings, key=lambda c: c.line))
    return Choice(ordered, choice.skipped - add - drop, doubts)


def _chapters(
    lines: Sequence[str],
    choice: Choice,
    title: str,
    folded: frozenset[int],
    declared: frozenset[int],
) -> tuple[list[BookChapter], list[Doubt]]:
    headings = choice.headings
    stop = headings[0].line if headings else len(lines)
    chapters, doubts = _opening(lines, choice, title, stop, folded, declared)
    volumes: dict[int, str] = {}
    ends = [*(c.line for c in headings[1:]), len(lines)][: len(headings)]
    for place, (chosen, end) in enumerate(zip(headings, ends, strict=True)):
        _enter(volumes, chosen.heading)
        text, places = _text(lines, chosen.end, end, choice.skipped)
        kind = chosen.heading.kind
        if chosen.is_volume:
            if not text:
                continue
            followed = place + 1 < len(headings) and not headings[place + 1].is_volume
            kind = "preface" if followed else "chapter"
        chapters.append(BookChapter(
            " ".join(volumes[rank] for rank in sorted(volumes)) or None,
            "\n".join(lines[chosen.line : chosen.end]),
            chosen.heading.title,
            None if chosen.is_volume else chosen.heading.number,
            kind,
            text,
            chosen.line + 1,
            places,
        ))  # fmt: skip
    return chapters, doubts


def _enter(volumes: dict[int, str], heading: Heading) -> None:
    """Open the volumes a heading names; a higher one closes those below it."""
    for rank, title in heading.volumes:
        if volumes.get(rank) != title:
            for lower in [r for r in volumes if r >= rank]:
                del volumes[lower]
        volumes[rank] = title


def _opening(
    lines: Sequence[str],
    choice: Choice,
    title: str,
    stop: int,
    folded: frozenset[int],
    declared: frozenset[int],
) -> tuple[list[BookChapter], list[Doubt]]:
    """What stands before the first heading: a chapter, or only the book's name and author."""
    hidden = choice.skipped | declared
    filled = [i for i in range(stop) if i not in hidden and lines[i].strip()]
    if not filled:
        return [], []
    first = filled[0] + 1
    if choice.headings and folded.issuperset(filled):
        message = "第一个标题之前只有书名、作者或目录，没有另立一章。"
        return [], [Doubt("front_matter", message, first)]
    text, places = _text(lines, 0, stop, hidden)
    if not choice.headings:
        message = "没有找到章节标题，整个文件作为一章；如果有标题，请把它们标出来。"
        whole = BookChapter(None, "", title, None, "chapter", text, first, places)
        return [whole], [Doubt("no_headings", message)]
    main = any(c.heading.kind == "chapter" or c.is_volume for c in choice.headings)
    opening = BookChapter(
        None, "", "卷首" if main else title, None, "preface" if main else "chapter", text, first,
        places,
    )  # fmt: skip
    message = f"第一个标题之前还有文字，另立为“{opening.title}”。"
    return [opening], [Doubt("front_text", message, first)]


def _text(
    lines: Sequence[str], start: int, end: int, hidden: frozenset[int]
) -> tuple[str, tuple[int, ...]]:
    """Lines of a chapter without blank ones at its edges, and their numbers."""
    kept = [i for i in range(start, end) if i not in hidden]
    filled = [place for place, i in enumerate(kept) if lines[i].strip()]
    if not filled:
        return "", ()
    told = kept[filled[0] : filled[-1] + 1]
    return "\n".join(lines[i] for i in told), tuple(i + 1 for i in told)
