"""A file's bytes to a book of chapters, with everything doubtful said.

`READERS` maps a file name's suffix to its reader; a new format joins by one line there.
Chapters keep their text to the last character: only blank lines at their edges are cut.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import PurePosixPath

import yaml
from markdown_it import MarkdownIt

from retrieval.encoding import decode
from retrieval.errors import ReadError
from retrieval.headings import (
    Choice,
    Chosen,
    Doubt,
    Heading,
    Kind,
    as_chosen,
    choose,
    clean,
    key_of,
    parse,
)

__all__ = ["READERS", "Book", "BookChapter", "Doubt", "Kind", "read_book"]

SHORT_CHAPTER = 50
LONG_CHAPTER = 30_000
DOUBTS_PER_CODE = 20
"""More doubts of one kind than this are counted, not listed."""
FRONT_LINES = 8


@dataclass(frozen=True, slots=True)
class BookChapter:
    """`heading` is the line as it stands in the source, `title` what the author is shown.

    `line` is the heading's, 1-based; a chapter that no heading opens has an empty `heading`
    and the line of its first text. `volume` joins nested volumes with a space.
    """

    volume: str | None
    heading: str
    title: str
    number: int | None
    kind: Kind
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Book:
    """A file as read: nothing is stored yet, and the author may still correct headings."""

    title: str
    author: str | None
    chapters: tuple[BookChapter, ...]
    encoding: str
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """What to read and how; line numbers are 1-based."""

    data: bytes
    filename: str
    encoding: str | None = None
    add_headings: frozenset[int] = frozenset()
    drop_headings: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _Front:
    """What the lines before the first chapter say of the whole book, and which lines do."""

    title: str | None = None
    author: str | None = None
    lines: frozenset[int] = frozenset()


def read_book(
    data: bytes,
    filename: str,
    encoding: str | None = None,
    *,
    add_headings: Collection[int] = (),
    drop_headings: Collection[int] = (),
) -> Book:
    """Read a file's bytes as a book.

    `filename` chooses the reader by its suffix and may name the book; `encoding` overrides
    detection. `add_headings` and `drop_headings` are 1-based line numbers of the source that
    the author declares to be headings, or not to be.

    Raises ReadError: an unsupported suffix, a line that cannot be a heading, or one of
    EmptyText, BinaryFile, UnknownEncoding and MixedEncoding.
    """
    order = Order(data, filename, encoding, frozenset(add_headings), frozenset(drop_headings))
    return _reader_for(filename)(order)


def _reader_for(filename: str) -> Callable[[Order], Book]:
    suffix = PurePosixPath(filename.replace("\\", "/")).suffix.lower()
    if suffix in READERS:
        return READERS[suffix]
    if re.fullmatch(r"\.[a-z][a-z0-9]{0,4}", suffix):
        known = "、".join(sorted(READERS))
        raise ReadError(f"还不能导入 {suffix} 文件，请另存为 TXT 或 Markdown（{known}）后再导入。")
    return read_txt  # no suffix, or a dot inside a Chinese name


# --- plain text -----------------------------------------------------------------------------


def read_txt(order: Order) -> Book:
    decoded = decode(order.data, order.encoding)
    lines = decoded.text.split("\n")
    stray = tuple(Doubt("stray_bytes", w.message, w.line) for w in decoded.warnings)
    return _make(order, lines, choose(lines), decoded.encoding, stray, _Front())


def _make(
    order: Order,
    lines: Sequence[str],
    choice: Choice,
    encoding: str,
    doubts: tuple[Doubt, ...],
    known: _Front,
) -> Book:
    """The book from its chosen headings; `known` is what the format itself declares."""
    choice = _corrected(choice, lines, order)
    named, writer = _from_filename(order.filename)
    stop = choice.headings[0].line if choice.headings else len(lines)
    front = _front(lines, stop, choice.skipped | known.lines, named)
    title = known.title or front.title or named
    chapters, more = _chapters(lines, choice, title, front.lines, known.lines)
    return Book(
        title,
        known.author or front.author or writer,
        tuple(chapters),
        encoding,
        tuple(_limited([*doubts, *choice.doubts, *more, *_doubts_about(chapters)])),
    )


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
        text = _text(lines, chosen.end, end, choice.skipped)
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
    text = _text(lines, 0, stop, hidden)
    if not choice.headings:
        message = "没有找到章节标题，整个文件作为一章；如果有标题，请把它们标出来。"
        whole = BookChapter(None, "", title, None, "chapter", text, first)
        return [whole], [Doubt("no_headings", message)]
    main = any(c.heading.kind == "chapter" or c.is_volume for c in choice.headings)
    opening = BookChapter(
        None, "", "卷首" if main else title, None, "preface" if main else "chapter", text, first
    )
    message = f"第一个标题之前还有文字，另立为“{opening.title}”。"
    return [opening], [Doubt("front_text", message, first)]


def _text(lines: Sequence[str], start: int, end: int, hidden: frozenset[int]) -> str:
    """Lines of a chapter without blank ones at its edges."""
    kept = [lines[i] for i in range(start, end) if i not in hidden]
    filled = [i for i, line in enumerate(kept) if line.strip()]
    return "\n".join(kept[filled[0] : filled[-1] + 1]) if filled else ""


# --- doubts -----------------------------------------------------------------------------------


def _doubts_about(chapters: Sequence[BookChapter]) -> Iterator[Doubt]:
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


def _limited(doubts: Sequence[Doubt]) -> Iterator[Doubt]:
    counts: Counter[str] = Counter()
    for doubt in doubts:
        counts[doubt.code] += 1
        if counts[doubt.code] <= DOUBTS_PER_CODE:
            yield doubt
    for code, count in counts.items():
        if count > DOUBTS_PER_CODE:
            example = next(d for d in doubts if d.code == code).message.rstrip("。")
            yield Doubt(code, f"另有 {count - DOUBTS_PER_CODE} 处同类情况（如：{example}）。")


# --- the book's name and author ---------------------------------------------------------------

_TITLE_LINE = re.compile(r"^《(?P<title>[^》]{1,60})》\s*(?P<rest>.*)$")
_NAMED_LINE = re.compile(r"^[【\[]?\s*书\s*名\s*[】\]]?\s*[:：]\s*《?(?P<title>[^》]{1,60}?)》?$")
_AUTHOR = re.compile(
    r"^[【\[(（]?\s*(?:作\s*者|著者|原著)\s*[】\])）]?\s*[:：]?\s*(?P<a>[^\s【\[(（]{1,30})"
    r"|^文\s*[/／]\s*(?P<b>\S{1,30})$|^(?P<c>\S{1,20})\s*著$|^by\s+(?P<d>.{1,40})$",
    re.I,
)
_CONTENTS_LINE = re.compile(r"^[【\[]?\s*目\s*[录錄]\s*[】\]]?$|^contents$", re.I)
_GROUPS = re.compile(r"【[^】]*】|\[[^\]]*\]|〔[^〕]*〕")
_NOISE = re.compile(
    r"[(（][^)）]*(?:完|全本|全集|精校|校对|校對|下载|下載|电子书|版|txt|www|\.com|\.net|\.org)[^)）]*[)）]",
    re.I,
)
_TRAILING_NOISE = re.compile(
    r"[\s_\-—]*(?:全本|完本|完结|全集|精校版?|校对版?|txt(?:下载)?)$", re.I
)
_INLINE_AUTHOR = re.compile(r"[\s_\-—(（]*作者\s*[:：_]?\s*(?P<author>[^\s()（）【\[]{1,30}).*$")


def _from_filename(filename: str) -> tuple[str, str | None]:
    """Title and author that a name such as 《书》作者：人【站名】.txt holds."""
    path = PurePosixPath(filename.replace("\\", "/"))
    stem = path.stem if path.suffix.lower() in READERS else path.name
    text = _NOISE.sub("", _GROUPS.sub("", stem)).strip()
    by = _INLINE_AUTHOR.search(text)
    author = by["author"] if by else None
    text = text[: by.start()] if by else text
    quoted = re.search(r"《([^》]+)》", text)
    title = quoted[1] if quoted else _TRAILING_NOISE.sub("", text)
    title = title.strip(" \t\u3000_-—")
    return (title if any(map(str.isalnum, title)) else stem.strip()) or "未命名", author


def _front(lines: Sequence[str], stop: int, hidden: Collection[int], named: str) -> _Front:
    """Title, author and contents lines at the very start, until the first other line."""
    filled = [i for i in range(stop) if i not in hidden and lines[i].strip()][:FRONT_LINES]
    title: str | None = None
    author: str | None = None
    taken: list[int] = []
    for place, i in enumerate(filled):
        text = lines[i].strip().strip("\ufeff")
        next_line = lines[filled[place + 1]].strip() if place + 1 < len(filled) else ""
        match = _TITLE_LINE.match(text) or _NAMED_LINE.match(text)
        rest = match.groupdict().get("rest") or "" if match else ""
        by = _AUTHOR.match(rest if match else text) if len(text) <= 80 else None
        if match and (by or not rest):
            title = title or match["title"].strip()
        elif place == 0 and (text == named or _is_name_above_author(text, next_line)):
            title = text
        elif not by and not _CONTENTS_LINE.match(text):
            break
        author = author or (next(g for g in by.groups() if g) if by else None)
        taken.append(i)
    return _Front(title, author, frozenset(taken))


def _is_name_above_author(text: str, next_line: str) -> bool:
    plain = len(text) <= 30 and not re.search("[。！？!?；;，,：:…]", text)
    return plain and len(next_line) <= 40 and bool(_AUTHOR.match(next_line))


# --- Markdown -----------------------------------------------------------------------------------

_HEADING_LIKE = re.compile(r"^ {0,3}(?:#{1,6}(?:[ \t]|$)|=+[ \t]*$|-+[ \t]*$)", re.M)
_PARSED_COLUMNS = 200
"""Block structure shows at a line's start; the rest need not be parsed."""
_PARSER = MarkdownIt("commonmark").disable("inline")


@dataclass(frozen=True, slots=True)
class _Mark:
    """A Markdown heading: lines `line` to `end`, depth 1 to 6."""

    line: int
    end: int
    level: int
    text: str


def read_markdown(order: Order) -> Book:
    """Headings by depth: book, volumes, chapters; without any, the rules of plain text."""
    decoded = decode(order.data, order.encoding)
    lines = decoded.text.split("\n")
    doubts = [Doubt("stray_bytes", w.message, w.line) for w in decoded.warnings]
    matter, known = _yaml_matter(lines)
    marks, more = _marks(lines, matter)
    doubts += more
    title, marks = _book_title(marks)
    declared = frozenset(known.lines | ({*range(title.line, title.end)} if title else set()))
    known = _Front(known.title or (title and clean(title.text)) or None, known.author, declared)
    undeclared = ["" if i in declared else line for i, line in enumerate(lines)]
    choice = _by_depth(marks) if marks else choose(undeclared)
    return _make(order, lines, choice, decoded.encoding, tuple(doubts), known)


def _yaml_matter(lines: Sequence[str]) -> tuple[int, _Front]:
    """The front matter between two `---`: where it ends, and what it says."""
    if lines[0].rstrip() != "---":
        return 0, _Front()
    end = next((i for i, s in enumerate(lines[1:200], 1) if s.rstrip() in ("---", "...")), 0)
    try:
        matter = yaml.safe_load("\n".join(lines[1:end]))
    except (yaml.YAMLError, ValueError, RecursionError):
        matter = None
    if not isinstance(matter, dict):
        return 0, _Front()
    said = {k: v.strip() for k, v in matter.items() if isinstance(v, str) and v.strip()}
    title, author = said.get("title"), said.get("author")
    return end + 1, _Front(title, author, frozenset(range(end + 1)))


def _marks(lines: Sequence[str], start: int) -> tuple[list[_Mark], list[Doubt]]:
    source = "\n".join(
        "" if i < start else line if line.lstrip().startswith("<") else line[:_PARSED_COLUMNS]
        for i, line in enumerate(lines)
    )
    if not _HEADING_LIKE.search(source):
        return [], []
    marks: list[_Mark] = []
    doubts: list[Doubt] = []
    tokens = _PARSER.parse(source)
    for token, inline in pairwise(tokens):
        if token.type != "heading_open" or token.level or token.map is None:
            continue
        first, end = token.map
        text = inline.content.strip()
        if token.markup in "=-" and (
            end - first > 2 or re.search("[。！？!?…；;，,：:”」]$", text)
        ):
            message = f"第 {first + 1} 行下面的横线像是分隔线，没有当作标题。"
            doubts.append(Doubt("looks_like_heading", message, first + 1))
        elif text:
            marks.append(_Mark(first, end, int(token.tag[1:]), re.sub(r"[*_`]", "", text)))
    return marks, doubts


def _book_title(marks: list[_Mark]) -> tuple[_Mark | None, list[_Mark]]:
    """The only first-level heading, where it comes first and is no chapter itself."""
    tops = [m for m in marks if m.level == 1]
    if len(tops) != 1 or marks[0] is not tops[0]:
        return None, marks
    heading = parse(tops[0].text)
    if heading is not None and heading.certainty == "sure":
        return None, marks
    return tops[0], marks[1:]


def _by_depth(marks: Sequence[_Mark]) -> Choice:
    """Chapters are the level whose headings say so, or else the deepest most frequent one."""
    levels = Counter(m.level for m in marks)
    spoken = Counter(
        m.level for m in marks if (h := parse(m.text)) and h.unit in ("章", "回", "话", "chapter")
    )
    telling = [level for level, n in spoken.items() if 2 * n >= levels[level]]
    level = max(telling or levels, key=lambda depth: (levels[depth], depth))
    return Choice(tuple(_placed(m, level) for m in marks if m.level <= level), frozenset(), ())


def _placed(mark: _Mark, chapter_level: int) -> Chosen:
    parsed = parse(mark.text)
    heading = parsed if parsed and parsed.certainty == "sure" else Heading(clean(mark.text))
    keyword = heading is parsed and heading.unit == ""
    if mark.level == chapter_level or keyword:
        return Chosen(mark.line, mark.end, heading)
    volumes = ((mark.level, heading.title),)
    volume = replace(heading, kind="preface", unit=None, volumes=volumes)
    return Chosen(mark.line, mark.end, volume, True)


READERS: Mapping[str, Callable[[Order], Book]] = {
    ".txt": read_txt,
    ".text": read_txt,
    ".md": read_markdown,
    ".markdown": read_markdown,
}
