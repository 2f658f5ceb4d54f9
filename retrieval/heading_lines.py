"""The shapes of one heading line, whatever stands around it."""

import re

from retrieval.book import Certainty, Heading, Kind
from retrieval.numerals import NUMERAL, number_of

LONGEST_HEADING = 80
LONGEST_SHOWN = 200
"""Characters of a title; a longer line that the author calls a heading is cut to it."""
LONGEST_TITLE = 50
LONGEST_JOINED_TITLE = 30
"""A title that follows 第N章 without a separator."""

_GAP = r"[ \t\u3000\xa0]*"
_UNITS = "章回话話节節折摺幕卷部集篇册冊辑輯"
_PLAIN_UNIT = str.maketrans("話節摺冊輯", "话节折册辑")
_LABEL = rf"第{_GAP}{NUMERAL}(?:{_GAP}[-—~～、至到]{_GAP}第?{NUMERAL})?{_GAP}[{_UNITS}]"
_ORDINAL = re.compile(
    rf"第{_GAP}(?P<n>{NUMERAL})(?:{_GAP}[-—~～、至到]{_GAP}第?(?P<m>{NUMERAL}))?{_GAP}(?P<u>[{_UNITS}])"
)
_ROLL = re.compile(
    rf"卷[之第]?{_GAP}(?P<n>{NUMERAL})|(?P<s>[上中下][卷部篇册冊])|(?P<b>正文卷?)(?=\s|$)"
)
_ENGLISH = re.compile(
    r"(?P<u>chapter|volume|book|part)\s+(?P<n>\d{1,5}|[ivxlc]{1,8}|[a-z]{3,9})\b", re.I
)
_LISTED = re.compile(rf"(?:{NUMERAL}|[（(]{NUMERAL}[）)])(?=[、．.:：](?![0-9０-９])|(?<=[）)]))")
"""一、 and 12. and （三） before a name; 3.14 and 12:30 are none."""
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
VOLUME_RANK = {"部": 0, "part": 0, "卷": 1, "册": 1, "集": 1, "辑": 1, "volume": 1, "book": 1}
VOLUME_RANK |= {"篇": 2, "幕": 2, "折": 2}
CHAPTER_UNITS = ("章", "回", "话", "chapter")
STAGE_UNITS = ("幕", "折")

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
    + rf")(?P<more>[篇章卷]?(?:{_GAP}[（(]?{NUMERAL}[）)]?)?)(?P<tail>.*)$",
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


def split_title(title: str) -> tuple[str, str, str]:
    """(label, what stands between, name): 第十二章, a space, 雨夜. Together they are the title.

    The label is empty where the title begins with no number: also where what looks like one is
    part of a sentence (第一部手机, 第一章的秘密) or a number alone (1984).
    """
    end = _label_end(title)
    gap = _SEPARATOR.match(title, end) if end else None
    name = gap.end() if gap is not None else end
    return title[:end], title[end:name], title[name:]


def _label_end(title: str) -> int:
    """Where the label ends that the title begins with, 0 where it has none."""
    listed = _LISTED.match(title)
    if listed is not None:
        return listed.end()
    match = _ORDINAL.match(title) or _ENGLISH.match(title)
    if match is None:
        return 0
    unit = match["u"].lower().translate(_PLAIN_UNIT)
    if unit.isascii() and number_of(match["n"]) is None:
        return 0
    gap, volume = _SEPARATOR.match(title, match.end()), unit in VOLUME_RANK
    if gap is not None and not volume:
        return match.end()
    if gap is not None and (below := _label_end(title[gap.end() :])):
        return gap.end() + below
    certainty = _judge_title(title[match.end() :], unit, True)
    return match.end() if certainty == "sure" or (certainty == "weak" and not volume) else 0


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
    inner = _INNER.search(core, match.end()) if unit in VOLUME_RANK else None
    if inner is not None:
        below = _parse_ordinal(core[inner.end() :])
        if below is not None and below.certainty != "no":
            return _nest(unit, clean(core[: inner.start()]), below)
    last = number_of(groups.get("m") or "") or number
    certainty = _judge_title(core[match.end() :], unit, bool(_ORDINAL.match(core)))
    return Heading(clean(core), "chapter", unit, number, last, certainty=certainty)


def _nest(unit: str, volume: str, below: Heading) -> Heading:
    volumes = ((VOLUME_RANK[unit], volume), *below.volumes)
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
