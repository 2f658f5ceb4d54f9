"""Which lines of a plain text are headings.

`parse` judges one line by its shape; `choose` judges the lines of a book against each other:
what is a volume, what is a chapter, what only looks like one. Knows nothing of files,
encodings or chapters' texts. Line numbers inside are 0-based indices, in doubts 1-based.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["preface", "chapter", "extra", "afterword"]
Certainty = Literal["sure", "weak", "no"]

LONGEST_HEADING = 80
LONGEST_SHOWN = 200
"""Characters of a title; a longer line that the author calls a heading is cut to it."""
LONGEST_TITLE = 50
LONGEST_JOINED_TITLE = 30
"""A title that follows 第N章 without a separator."""
LONGEST_BARE_TITLE = 25
TIGHT = 0.3
"""Share of blank-separated neighbours under which blank lines are marks, not spacing."""
FEWEST_BARE_TITLES = 3
MARKED_SHARE = 0.6
"""Share of all wide gaps that must adjoin bare titles before these are believed."""
FEWEST_SECTION_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something the author should look at; `code` is stable, `line` 1-based."""

    code: str
    message: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    """One line read as a heading.

    `volumes` are (rank, title) of the volumes named in the line, outermost first; `unit` is
    章, 回 …, empty for keywords such as 楔子 and None where the line names volumes alone.
    `last` differs from `number` in ranges (第3-5章).
    """

    title: str
    kind: Kind = "chapter"
    unit: str | None = ""
    number: int | None = None
    last: int | None = None
    volumes: tuple[tuple[int, str], ...] = ()
    certainty: Certainty = "sure"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A heading in its place: it takes the lines `line` to `end` (exclusive)."""

    line: int
    end: int
    heading: Heading
    is_volume: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """`skipped` lines are neither heading nor text: a table of contents, repeated headings."""

    headings: tuple[Chosen, ...]
    skipped: frozenset[int]
    doubts: tuple[Doubt, ...]


# --- numerals -----------------------------------------------------------------------------

_DIGITS = {c: i for i, s in enumerate(
    ("〇零○", "一壹", "二两贰兩貳", "三叁參", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖")
) for c in s}  # fmt: skip
_TENS = {"廿": 20, "卅": 30, "卌": 40}
_POWERS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_MYRIADS = "万萬"
_CHINESE = "".join((*_DIGITS, *_TENS, *_POWERS, *_MYRIADS))
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def number_of(numeral: str) -> int | None:
    """The value of an Arabic, full-width, Chinese, Roman or (to ten) English numeral."""
    if numeral.isdecimal():
        return int(numeral)
    if numeral.lower() in _WORDS:
        return _WORDS.index(numeral.lower())
    if numeral and all(c in _ROMAN for c in numeral.upper()):
        return _roman(numeral.upper())
    if numeral and all(c in _CHINESE for c in numeral):
        return _chinese(numeral)
    return None


def _roman(numeral: str) -> int:
    values = [_ROMAN[c] for c in numeral]
    following = [*values[1:], 0]
    return sum(-v if v < after else v for v, after in zip(values, following, strict=True))


def _chinese(numeral: str) -> int:
    """一百零八 and 廿三 by place value; 一二〇 and 一○八 digit by digit."""
    if len(numeral) > 1 and all(c in _DIGITS for c in numeral):
        return int("".join(str(_DIGITS[c]) for c in numeral))
    total = section = digit = 0
    for c in numeral:
        if c in _DIGITS:
            digit = _DIGITS[c]
        elif c in _TENS:
            section, digit = section + _TENS[c], 0
        elif c in _POWERS:
            section, digit = section + (digit or 1) * _POWERS[c], 0
        else:
            total, section, digit = (total + section + digit) * 10_000, 0, 0
    return total + section + digit


# --- one line -----------------------------------------------------------------------------

_GAP = r"[ \t\u3000\xa0]*"
_NUM = rf"(?:[0-9０-９]{{1,7}}|[{_CHINESE}]{{1,12}})"
_UNITS = "章回话話节節折摺幕卷部集篇册冊辑輯"
_PLAIN_UNIT = str.maketrans("話節摺冊輯", "话节折册辑")
_LABEL = rf"第{_GAP}{_NUM}(?:{_GAP}[-—~～、至到]{_GAP}第?{_NUM})?{_GAP}[{_UNITS}]"
_ORDINAL = re.compile(
    rf"第{_GAP}(?P<n>{_NUM})(?:{_GAP}[-—~～、至到]{_GAP}第?(?P<m>{_NUM}))?{_GAP}(?P<u>[{_UNITS}])"
)
_ROLL = re.compile(
    rf"卷[之第]?{_GAP}(?P<n>{_NUM})|(?P<s>[上中下][卷部篇册冊])|(?P<b>正文卷?)(?=\s|$)"
)
_ENGLISH = re.compile(
    r"(?P<u>chapter|volume|book|part)\s+(?P<n>\d{1,5}|[ivxlc]{1,8}|[a-z]{3,9})\b", re.I
)
_INNER = re.compile(rf"(?:^|[\s:：·・、\-—]){_GAP}(?={_LABEL})")
_SEPARATOR = re.compile(r"[\s:：、·・.．\-—_~～|｜/]+|(?=[（(【\[〖〔《“「『<])")
_DECORATION = re.compile(r"^[#☆★◆◇●■□▲△※＊*=＝~～_＿\-—─━\s]+、?|[#☆★◆◇●■□▲△※＊*=＝~～_＿─━\s]+$")
_BRACKETED = re.compile(
    r"^[【〖〔「『\[（(<《](?P<inner>[^】〗〕」』\]）)>》]+)[】〗〕」』\]）)>》]\s*(?P<rest>.*)$"
)
_LEADER = re.compile(r"\s*[.．…·]{2,}\s*\d+$")
_BODY_PREFIX = re.compile(rf"^正文[\s:：]*(?={_LABEL})")
_COMPOUND = re.compile(
    "回合|回事|部分|部队|部隊|部门|部門|集团|集團|集市|集合|节课|節課|节车|篇文|篇小|章节|章節|章程"
    "|卷轴|卷軸|幕后|幕後|幕僚|折扣"
)
_NEVER_AFTER = "的地得了着過过里裡裏中内內之时時"
_RARELY_AFTER = "是在后後前也就都还還又才讲講说說写寫有没不我你您他她它"
_JOINABLE = "章回卷"
"""Units that titles follow without a separator; the others are measure words too (第一部电影)."""
_VOLUME_RANK = {"部": 0, "part": 0, "卷": 1, "册": 1, "集": 1, "辑": 1, "volume": 1, "book": 1}
_VOLUME_RANK |= {"篇": 2, "幕": 2, "折": 2}
_CHAPTER_UNITS = ("章", "回", "话", "chapter")
_STAGE_UNITS = ("幕", "折")

_KEYWORDS: tuple[tuple[Kind, str], ...] = (
    (
        "preface",
        "自序|代序|总序|總序|原序|作者序|译者序|序言|序章|序幕|序曲|序篇|序|前言|引言|引子|楔子|题记"
        "|題記|弁言|导言|導言|卷首语|内容简介|內容簡介|作品简介|简介|簡介|文案"
        "|prologue|preface|foreword|introduction",
    ),
    ("extra", "番外|外传|外傳|特别篇|特別篇|interlude"),
    (
        "afterword",
        "尾声|尾聲|后记|後記|后序|跋|附录|附錄|结语|結語|完本感言|epilogue|afterword|appendix",
    ),
    ("chapter", "终章|終章|最终章|最終章|大结局|大結局|间章|間章"),
)
_KEYWORD = re.compile(
    r"^(?:《[^》]{1,20}》)?(?:"
    + "|".join(f"(?P<{kind}>{words})" for kind, words in _KEYWORDS)
    + rf")(?P<more>[篇章卷]?(?:{_GAP}[（(]?{_NUM}[）)]?)?)(?P<tail>.*)$",
    re.I,
)
_TRIGGER = re.compile(
    rf"第|卷|[上中下][卷部篇册冊]|正文|《|【|chapter|volume|book|part"
    rf"|{'|'.join(words for _, words in _KEYWORDS)}",
    re.I,
)


def parse(line: str) -> Heading | None:
    """What the line says if it is a heading; None where nothing about it suggests one."""
    text = line.strip().strip("\ufeff\u200b")
    if not 0 < len(text) <= LONGEST_HEADING or not _TRIGGER.search(text[:24]):
        return None
    core = _core(text)
    return _parse_ordinal(core) or _parse_keyword(core)


def clean(line: str) -> str:
    """The line as a title: no decoration, single spaces."""
    text = line.strip().strip("\ufeff\u200b")[:LONGEST_SHOWN]
    return " ".join((_DECORATION.sub("", text) or text).split())


def _core(text: str) -> str:
    """Without decoration, 正文, brackets around the label or the book's name before it."""
    core = _BODY_PREFIX.sub("", _DECORATION.sub("", _LEADER.sub("", text)))
    bracketed = _BRACKETED.match(core)
    if bracketed is None:
        return core
    inner, rest = bracketed["inner"].strip(), bracketed["rest"].strip()
    if _starts_with_label(inner):
        return f"{inner} {rest}".strip()
    if _starts_with_label(rest):
        return rest
    if not rest and core[0] != "《" and _KEYWORD.match(inner):
        return inner
    return core


def _starts_with_label(text: str) -> bool:
    return bool(_ORDINAL.match(text) or _ROLL.match(text) or _ENGLISH.match(text))


def _parse_ordinal(core: str) -> Heading | None:
    match = _ORDINAL.match(core) or _ROLL.match(core) or _ENGLISH.match(core)
    if match is None:
        return None
    groups = match.groupdict()
    unit = (groups.get("u") or "卷").lower().translate(_PLAIN_UNIT)
    if groups.get("s"):
        unit = groups["s"][1].translate(_PLAIN_UNIT)
    number = number_of(groups.get("n") or "")
    if number is None and unit.isascii():
        return None
    inner = _INNER.search(core, match.end()) if unit in _VOLUME_RANK else None
    if inner is not None:
        below = _parse_ordinal(core[inner.end() :])
        if below is not None and below.certainty != "no":
            return _nest(unit, clean(core[: inner.start()]), below)
    last = number_of(groups.get("m") or "") or number
    certainty = _judge_title(core[match.end() :], unit, bool(_ORDINAL.match(core)))
    return Heading(clean(core), "chapter", unit, number, last, certainty=certainty)


def _nest(unit: str, volume: str, below: Heading) -> Heading:
    volumes = ((_VOLUME_RANK[unit], volume), *below.volumes)
    return Heading(
        below.title, "chapter", below.unit, below.number, below.last, volumes, below.certainty
    )


def _judge_title(rest: str, unit: str, joinable: bool) -> Certainty:
    """How sure it is that what follows 第N章 is a title and not the rest of a sentence."""
    if not rest:
        return "sure"
    separator = _SEPARATOR.match(rest)
    title = rest[separator.end() :].strip() if separator else rest.strip()
    if re.search("[。；;]", title) or title.endswith(("，", ",", "：", ":", "、")):
        return "no"
    if unit.isascii() and title.endswith("."):
        return "no"
    if separator:
        if len(title) > (LONGEST_HEADING if unit.isascii() else LONGEST_TITLE):
            return "no"
        return "weak" if len(re.findall("[，,]", title)) >= 3 else "sure"
    if unit.isascii() or title[0] in _NEVER_AFTER or _COMPOUND.match(unit + title):
        return "no"
    if len(title) > LONGEST_JOINED_TITLE:
        return "no"
    plain = unit in _JOINABLE and joinable and title[0] not in _RARELY_AFTER
    return "sure" if plain and not re.search("[，,：:！？!?…]", title) else "weak"


def _parse_keyword(core: str) -> Heading | None:
    match = _KEYWORD.match(core)
    if match is None:
        return None
    kind = next(kind for kind, _ in _KEYWORDS if match[kind])
    word, tail = match[kind], match["tail"]
    separator = _SEPARATOR.match(tail)
    title = tail[separator.end() :].strip() if separator else tail.strip()
    if re.search("[。；;，]", title) or title.endswith((",", "：", ":", ".")):
        return None
    if title and (not separator or len(title) > LONGEST_JOINED_TITLE):
        joined = word in ("番外", "特别篇", "特別篇") and len(title) <= LONGEST_JOINED_TITLE // 2
        if not joined or re.search("[！？!?…：“”]", title):
            return None
    if title and word.endswith(("文案", "简介", "簡介")):
        return None
    return Heading(clean(core), kind)


# --- the lines of a book against each other -------------------------------------------------


class _Layout:
    """How blank lines are used: as spacing between all paragraphs, or as marks of a few."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.filled = [i for i, line in enumerate(lines) if line.strip()]
        self.place = {line: k for k, line in enumerate(self.filled)}
        steps = zip(self.filled, self.filled[1:], strict=False)
        self.gaps = [after - before - 1 for before, after in steps]
        wide = sum(gap > 0 for gap in self.gaps)
        self.tight = wide <= TIGHT * len(self.gaps)
        self.usual = 0 if self.tight else Counter(self.gaps).most_common(1)[0][0]

    def before(self, line: int) -> bool:
        """Whether more than the usual blank lines (or nothing at all) come before."""
        place = self.place[line]
        return place == 0 or self.gaps[place - 1] > self.usual

    def apart(self, line: int) -> bool:
        """Whether the line stands apart from both neighbours."""
        place = self.place[line]
        if place == len(self.gaps) or not self.before(line):
            return False
        return self.gaps[place] >= max(1, self.usual)

    def marks(self) -> int:
        return sum(gap > self.usual for gap in self.gaps)

    def marks_at(self, line: int) -> int:
        place = self.place[line]
        return sum(gap > self.usual for gap in self.gaps[max(0, place - 1) : place + 1])


@dataclass(frozen=True, slots=True)
class _Candidate:
    line: int
    heading: Heading


def choose(lines: Sequence[str]) -> Choice:
    """The headings of a plain text, volumes and chapters, and what was doubtful about them."""
    layout = _Layout(lines)
    found = [_Candidate(i, h) for i in layout.filled if (h := parse(lines[i])) is not None]
    ordinals = [c for c in found if c.heading.unit]
    chapter_units = _chapter_units(Counter(
        c.heading.unit or "" for c in ordinals if c.heading.certainty == "sure"
    ))  # fmt: skip
    chapters = [c for c in ordinals if c.heading.unit in chapter_units]
    volumes = [
        c
        for c in ordinals
        if c.heading.unit not in chapter_units
        and c.heading.unit in _VOLUME_RANK
        and c.heading.certainty == "sure"
    ]
    chapters, doubts = _settle(chapters)
    keywords = [c for c in found if not c.heading.unit]
    bare = _bare_titles(layout, found)
    if bare and (not chapters or _confined(layout, chapters, bare)):
        if chapters:
            doubts.append(_nested(lines, chapters, bare))
        chapters, volumes = bare, []
    elif bare:
        volumes += _bare_volumes(layout, chapters, bare)
    if not chapters:
        chapters, more = _numbered_lines(layout)
        doubts += more
    taken = {c.line for c in chapters} | {c.line for c in volumes}
    keywords, more = _trusted_keywords(layout, keywords, chapters, taken)
    doubts += more
    chosen = [Chosen(c.line, c.line + 1, _as_volume(c.heading), True) for c in volumes]
    chosen += [Chosen(c.line, c.line + 1, c.heading) for c in (*chapters, *keywords)]
    return _without_repeats(lines, sorted(chosen, key=lambda c: c.line), doubts)


def as_chosen(line: int, text: str, others: Sequence[Chosen]) -> Chosen:
    """A line the author calls a heading, whatever its shape."""
    heading = parse(text) or Heading(clean(text))
    units = {c.heading.unit for c in others if not c.is_volume}
    volume = heading.unit in _VOLUME_RANK and bool(units) and heading.unit not in units
    return Chosen(line, line + 1, _as_volume(heading) if volume else heading, volume)


def _chapter_units(counts: Counter[str]) -> set[str]:
    """The units of chapters, from how often each stands in a sure heading.

    章, 回 and 话 are chapters wherever they occur, unless one or two stand alone among many of
    another unit. Then acts, then 节, then the commonest of the volume units.
    """
    main = {u for u in _CHAPTER_UNITS if counts[u]}
    stages = {u for u in _STAGE_UNITS if counts[u]}
    for units in (main, stages, {"节"} if counts["节"] else set()):
        own = sum(counts[u] for u in units)
        others = sum(n for u, n in counts.items() if u not in units)
        if own > 2 or (own and others < 10):
            return units
    rolls = [u for u in _VOLUME_RANK if counts[u]]
    return {max(rolls, key=lambda u: counts[u])} if rolls else set(_CHAPTER_UNITS)


def _settle(candidates: Sequence[_Candidate]) -> tuple[list[_Candidate], list[Doubt]]:
    """Believe a doubtful shape only where its number is the next in the sequence."""
    kept: list[_Candidate] = []
    doubts: list[Doubt] = []
    for candidate, after in zip(candidates, _next_sure(candidates), strict=True):
        heading = candidate.heading
        before = kept[-1].heading.last if kept else 0
        if heading.certainty == "sure" or (
            heading.certainty == "weak" and _continues(before, heading.number, after)
        ):
            kept.append(candidate)
            continue
        doubts.append(Doubt(
            "looks_like_heading",
            f"第 {candidate.line + 1} 行“{heading.title[:20]}”像标题又像句子，当作正文；"
            "如果是标题，请把它标为标题。",
            candidate.line + 1,
        ))  # fmt: skip
    return kept, doubts


def _next_sure(candidates: Sequence[_Candidate]) -> list[int | None]:
    """For each candidate, the number of the next sure heading after it."""
    following: list[int | None] = []
    number: int | None = None
    for candidate in reversed(candidates):
        following.append(number)
        if candidate.heading.certainty == "sure":
            number = candidate.heading.number
    return following[::-1]


def _continues(before: int | None, number: int | None, after: int | None) -> bool:
    if before is None or number != before + 1:
        return False
    return after is None or after == 1 or after > number


_NOT_A_TITLE = re.compile(
    r"[。！？!?；;，,：:…]|^[“”\"‘「『—\-~（(\[]|^[\W_]*$"
    rf"|^[第]?{_NUM}[年月日、.．]|^{_NUM}$|完$|^目[\s\u3000]*[录錄]$|^(?:the\s+)?end$|[著译]$",
    re.I,
)


def _bare_titles(layout: _Layout, found: Sequence[_Candidate]) -> list[_Candidate]:
    """Short lines standing apart where paragraphs do not, if they explain the blank lines."""
    known = {c.line: c.heading for c in found}
    titles: list[_Candidate] = []
    for line in layout.filled:
        if not layout.apart(line):
            continue
        text = layout.lines[line].strip()
        heading = known.get(line)
        if heading is not None and heading.unit:
            continue
        if heading is None and (len(text) > LONGEST_BARE_TITLE or _NOT_A_TITLE.search(text)):
            continue
        titles.append(_Candidate(line, heading or Heading(clean(text))))
    titles = [t for t, n in zip(titles, _room(layout, titles), strict=True) if n]
    marks = {c.line for c in (*titles, *found)}
    explained = sum(layout.marks_at(line) for line in marks)
    enough = len(titles) >= FEWEST_BARE_TITLES
    return titles if enough and explained >= MARKED_SHARE * layout.marks() else []


def _room(layout: _Layout, titles: Sequence[_Candidate]) -> list[int]:
    """Characters of text under each title."""
    ends = [*(t.line for t in titles[1:]), len(layout.lines)][: len(titles)]
    return [
        sum(len(line.strip()) for line in layout.lines[t.line + 1 : end])
        for t, end in zip(titles, ends, strict=True)
    ]


def _confined(layout: _Layout, chapters: Sequence[_Candidate], bare: Sequence[_Candidate]) -> bool:
    """Whether all numbered headings lie in one lesser part of a collection of bare titles."""
    starts = [b.line for b in bare]
    homes = {bisect_right(starts, c.line) - 1 for c in chapters}
    if len(homes) != 1 or -1 in homes:
        return False
    home = homes.pop()
    room = _room(layout, bare)
    others = [n for k, n in enumerate(room) if k != home]
    substantial = sum(n >= FEWEST_SECTION_CHARACTERS for n in others)
    return substantial >= FEWEST_BARE_TITLES - 1 and room[home] < sum(others)


def _nested(
    lines: Sequence[str], chapters: Sequence[_Candidate], bare: Sequence[_Candidate]
) -> Doubt:
    home = max(b.line for b in bare if b.line < chapters[0].line)
    return Doubt(
        "nested_numbering",
        f"“{chapters[0].heading.title}”等 {len(chapters)} 个编号标题都在“{clean(lines[home])}”"
        "之内，当作它的小节；如果是独立章节，请把它们标为标题。",
        chapters[0].line + 1,
    )


def _bare_volumes(
    layout: _Layout, chapters: Sequence[_Candidate], bare: Sequence[_Candidate]
) -> list[_Candidate]:
    """Bare titles right above a restart of the numbering, if there are at least two."""
    firsts = {c.line for c in chapters if c.heading.number == 1}
    above = [
        b
        for b in bare
        if b.heading.kind == "chapter"
        and layout.filled[min(layout.place[b.line] + 1, len(layout.gaps))] in firsts
    ]
    return above if len(above) >= 2 and len(above) == len(firsts) else []


_NUMBER_LINE = re.compile(
    rf"^[（(【]?(?P<n>{_NUM})[）)】]?(?:[、.．:：\s]+(?P<title>[^。！？!?；;，,：:…]{{1,20}}))?[、.．]?$"
)


def _numbered_lines(layout: _Layout) -> tuple[list[_Candidate], list[Doubt]]:
    """Lines that are only 一, 二, 三 …: chapters where nothing better is there."""
    chapters: list[_Candidate] = []
    for line in layout.filled:
        text = layout.lines[line].strip()
        match = _NUMBER_LINE.match(text) if len(text) <= LONGEST_HEADING else None
        number = number_of(match["n"]) if match else None
        if number is not None and number == len(chapters) + 1:
            chapters.append(_Candidate(line, Heading(clean(text), number=number, last=number)))
    if len(chapters) < FEWEST_BARE_TITLES:
        return [], []
    message = f"没有“第N章”这样的标题，按单独成行的序号分成了 {len(chapters)} 章，请核对。"
    return chapters, [Doubt("bare_numbers", message, chapters[0].line + 1)]


def _trusted_keywords(
    layout: _Layout,
    keywords: Sequence[_Candidate],
    chapters: Sequence[_Candidate],
    taken: set[int],
) -> tuple[list[_Candidate], list[Doubt]]:
    """Where blank lines mark the chapters, 尾声 without one is a part of its chapter."""
    marked = sum(layout.before(c.line) for c in chapters)
    rare = layout.marks() <= TIGHT * len(layout.gaps)
    strict = rare and len(chapters) >= 3 and marked >= 0.9 * len(chapters)
    heads = taken | {c.line for c in keywords}
    kept: list[_Candidate] = []
    doubts: list[Doubt] = []
    for candidate in keywords:
        line = candidate.line
        above = layout.filled[layout.place[line] - 1]
        if line in taken:
            continue
        if not strict or layout.before(line) or above in heads:
            kept.append(candidate)
            continue
        doubts.append(Doubt(
            "looks_like_heading",
            f"第 {line + 1} 行“{candidate.heading.title}”前面没有别的章节标题都有的空行，"
            "当作正文；如果是一章，请把它标为标题。",
            line + 1,
        ))  # fmt: skip
    return kept, doubts


def _as_volume(heading: Heading) -> Heading:
    rank = _VOLUME_RANK.get(heading.unit or "", 0)
    volumes = (*heading.volumes, (rank, heading.title))
    return Heading(heading.title, "preface", None, heading.number, heading.last, volumes)


# --- tables of contents and repeated headings -----------------------------------------------


def key_of(title: str) -> str:
    """A title without spaces, leaders and page numbers, to compare headings by."""
    return re.sub(r"[\s\u3000]+|[.．…·\-—_]+\s*\d*\s*$", "", title)


def _same(one: Heading, other: Heading) -> bool:
    numbered = one.number is not None and (one.unit, one.number) == (other.unit, other.number)
    return key_of(one.title) == key_of(other.title) or numbered


def _without_repeats(lines: Sequence[str], chosen: list[Chosen], doubts: list[Doubt]) -> Choice:
    contents = _contents(lines, chosen)
    skipped: set[int] = {c.line for c in chosen[:contents]}
    if contents:
        doubts.append(Doubt(
            "table_of_contents",
            f"开头的 {contents} 行标题是目录，已略过。",
            chosen[0].line + 1,
        ))  # fmt: skip
    body = chosen[contents:]
    kept: list[Chosen] = []
    for c in body:
        before = kept[-1] if kept else None
        if before is None or not _repeats(lines, before, c):
            kept.append(c)
            continue
        shorter = before if len(before.heading.title) <= len(c.heading.title) else c
        kept[-1] = c if shorter is before else before
        skipped.add(shorter.line)
        doubts.append(Doubt(
            "repeated_heading",
            f"第 {c.line + 1} 行的标题“{c.heading.title}”紧接着重复，已并成一个。",
            c.line + 1,
        ))  # fmt: skip
    return Choice(tuple(kept), frozenset(skipped), tuple(doubts))


def _repeats(lines: Sequence[str], before: Chosen, c: Chosen) -> bool:
    if before.is_volume or c.is_volume or has_text(lines, before.end, c.line):
        return False
    return _same(before.heading, c.heading) and (
        key_of(before.heading.title) in key_of(c.heading.title)
        or key_of(c.heading.title) in key_of(before.heading.title)
    )


def has_text(lines: Sequence[str], start: int, end: int) -> bool:
    return any(line.strip() for line in lines[start:end])


def _contents(lines: Sequence[str], chosen: Sequence[Chosen]) -> int:
    """How many leading headings are a table of contents: no text, and repeated below."""
    run = 0
    while run + 1 < len(chosen) and not has_text(lines, chosen[run].end, chosen[run + 1].line):
        run += 1
    titles = {key_of(c.heading.title) for c in chosen[run:]}
    numbers = {(c.heading.unit, c.heading.number) for c in chosen[run:]}

    def below(c: Chosen) -> bool:
        number = (c.heading.unit, c.heading.number)
        return key_of(c.heading.title) in titles or (number[1] is not None and number in numbers)

    entries = [c for c in chosen[:run] if not c.is_volume]
    if len(entries) < 2 or sum(map(below, entries)) < 0.8 * len(entries):
        return 0
    while run and chosen[run - 1].is_volume:
        run -= 1  # the volume heading right above the first real chapter
    later = chosen[run + 1 :]
    if any(_same(chosen[run].heading, c.heading) for c in later if not c.is_volume):
        run += not chosen[run].is_volume  # the last entry, with a blurb below it
    return run
