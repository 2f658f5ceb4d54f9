"""The rows that stand above a scene: headings of every level, and its time, place and people.

Everything here looks at one row. What a row means among the others is `parsing`'s.
"""

import re

from retrieval.numerals import NUMERAL, number_of
from training.scripts.brackets import CLOSERS, OPENERS
from training.scripts.structure import Heading

SEASON, EPISODE, ACT, SCENE = range(4)
LEVELS = (
    dict.fromkeys("季部卷", SEASON)
    | dict.fromkeys("集本回章", EPISODE)
    | dict.fromkeys("幕折出", ACT)
    | dict.fromkeys("场場景节節", SCENE)
)
LONGEST = 200
"""Characters of a row that can be a heading with what is told beside it."""

_GAP = r"[ \t\u3000\xa0]*"
_NOTE = rf"[{re.escape(OPENERS)}][^{re.escape(OPENERS + CLOSERS)}]{{0,60}}[{re.escape(CLOSERS)}]"
_LABEL = re.compile(
    rf"第{_GAP}(?P<n>{NUMERAL})(?:{_GAP}[-—~～、至到]{_GAP}第?{NUMERAL})?{_GAP}[,，、.．]?{_GAP}"
    rf"(?P<unit>[{''.join(LEVELS)}])(?P<note>(?:{_GAP}(?:{_NOTE}|[续續](?![\u4e00-\u9fff])))*)"
)
_NUMBERED = re.compile(
    rf"(?P<unit>场景|場景|[场場景](?={_GAP}[#＃]?{_GAP}[0-9０-９]))"
    rf"(?P<n>{_GAP}[#＃]?{_GAP}{NUMERAL})(?P<note>)"
)
_LATIN = re.compile(
    r"(?P<unit>act|scene|episode|ep)(?P<n>\.?\s{0,3}(?:\d{1,5}|[ivxlc]{1,8}))\b(?P<note>)", re.I
)
_NAMED = re.compile(
    r"(?P<unit>序幕|序场|序場|楔子|引子|尾声|尾聲|幕间|幕間|间奏|間奏|过场|過場|终幕|終幕|终场|終場)"
    r"(?P<n>)(?P<note>)"
)
_LATIN_LEVELS = {"act": ACT, "scene": SCENE, "episode": EPISODE, "ep": EPISODE}
_SHAPES = (_LABEL, _NUMBERED, _LATIN, _NAMED)

_DECORATION = re.compile(r"[\s\ufeff#=＝*＊◆■●○◇☆★—–\-~～>《〈<]*")
_SEPARATOR = re.compile(r"[\s:：.．、·・|｜/—–\-_~～*＊=＝#》〉>]+")
_NEVER_AFTER = "的地得了着过里中内之时那这我你他她就是在有没也都还便又才不"
_SENTENCE = re.compile("[。！？!?；;，,：:“”]")
_JOINABLE = "幕集"
"""Units that are no measure words where a title follows without a gap (第一场雪, 第三章程)."""
LONGEST_JOINED = 24
_ENDING = re.compile(r"[（(\s]*(?:完|终|終|毕|畢|止|结束|剧终|劇終|落幕|幕落|幕闭)[）)\s。]*")

_ANOTHER = re.compile(rf"[{re.escape(OPENERS)}]另[^\s]{{0,3}}一[幕场場][{re.escape(CLOSERS)}]")
_BREAK = re.compile(r"(?:[*＊=＝#＃_＿○◇◆☆★~～—–\-]\s*){3,}")
_SLUG = re.compile(
    rf"(?P<n>\d{{1,4}}(?:{_GAP}[-－—.．]{_GAP}\d{{1,4}}){{0,2}})[.．、:：\s]\s*(?P<rest>\S.{{0,80}})"
)
_SLUG_MARK = re.compile(
    r"(?:^|(?<=[\s，,、/.．·\-－—]))(?:[日夜晨昏][内外]|[内外]景?|[内外][日夜]|int|ext)(?=$|[\s，,、/.．·\-－—])",
    re.I,
)
_BARE_SLUG = re.compile(r"(?:内景|外景|int\.|ext\.)[\s.．。、:：]\s*\S.{0,80}", re.I)
_ODD_UNIT = re.compile(rf"第(?P<n>{NUMERAL})(?P<unit>[\u4e00-\u9fff])")

_SETTING_NAMES = "时间|時間|地点|地點|时|時|地|场景|場景|景别|景|布景|场地|(?:出场|登场|剧中)?人物?|出场|角色|日期|季节"
_FRONT_NAMES = "编剧|導演|导演|演员|演員|原著|作者|片名|剧名|主演|监制|制片"
_SETTING = re.compile(rf"[\s\ufeff【\[（(]*(?:{_SETTING_NAMES})[】\]）)]?\s*[:：]")
_FRONT = re.compile(rf"[\s\ufeff【\[（(]*(?:{_FRONT_NAMES})[】\]）)]?\s*[:：]")
_CAST = re.compile(r"[\s\ufeff【\[（(]*(?:出场|登场|剧中)?(?:人物?|角色)[】\]）)]?\s*[:：]")


def headings_of(row: str) -> tuple[Heading, ...]:
    """The headings in a row, outermost first; none where the row is something else.

    A row may name several: `第一幕 第二场`.
    """
    if len(row) > LONGEST:
        return ()
    text = row.strip("\ufeff \t\u3000\xa0\r\n")
    return _labelled(text) or _slug(text) or _unlabelled(text)


def odd_heading(row: str) -> tuple[str, int | None] | None:
    """(label, number) of `第265秒` alone in a row: a heading whose unit is a slip."""
    match = _ODD_UNIT.fullmatch(row.strip())
    return (match[0], number_of(match["n"])) if match else None


def is_setting(row: str, in_front: bool = False) -> bool:
    """Whether the row tells time, place or people; `in_front` of the first heading also makers."""
    return bool(_SETTING.match(row) or (in_front and _FRONT.match(row)))


def is_cast(row: str) -> bool:
    """Whether the row begins the list of people; it may go on in the rows below."""
    return bool(_CAST.match(row))


def _labelled(text: str) -> tuple[Heading, ...]:
    found: list[Heading] = []
    decoration = _DECORATION.match(text)
    place = decoration.end() if decoration else 0
    bracket = text[place] if text[place : place + 1] and text[place] in OPENERS else ""
    place += len(bracket)
    while match := _shape_at(text, place):
        found.append(_heading(match))
        gap = _SEPARATOR.match(text, match.end())
        place = gap.end() if gap else match.end()
    if not found or (bracket and not any(c in CLOSERS for c in text[place:])):
        return ()
    last, title = found[-1], text[place:].strip()
    if _ENDING.fullmatch(title or last.title) or not _may_follow(text, place, last, bool(bracket)):
        return ()
    title = title.strip("".join((OPENERS, CLOSERS, "：: "))) if title else last.title
    continued = last.continued or title.startswith(("续", "續"))
    found[-1] = Heading(last.level, last.label, last.unit, last.number, continued, title)
    return tuple(found)


def _shape_at(text: str, place: int) -> re.Match[str] | None:
    return next((m for shape in _SHAPES if (m := shape.match(text, place))), None)


def _heading(match: re.Match[str]) -> Heading:
    unit, note = match["unit"], match["note"].strip()
    if unit.lower() in _LATIN_LEVELS:
        level = _LATIN_LEVELS[unit.lower()]
    else:
        level = LEVELS.get(unit[0] if match.re is _NUMBERED else unit, ACT)
    inner = note.strip("".join((OPENERS, CLOSERS, " \t\u3000")))
    number = number_of(match["n"].strip(" \t\u3000\xa0#＃.")) if match["n"] else None
    continued = inner.lower().startswith(("续", "續", "cont"))
    return Heading(level, match[0].strip(), unit, number, continued, "" if continued else inner)


def _may_follow(text: str, place: int, heading: Heading, bracketed: bool) -> bool:
    """Whether what stands behind the label can be a title: 第一场 雪 can, 第一场雪 cannot."""
    rest = text[place:]
    if not rest or _SEPARATOR.match(text, place - 1) or rest[0] in OPENERS + CLOSERS + "《“「『":
        return True
    if bracketed:
        return False
    return (
        heading.unit in _JOINABLE
        and len(rest) <= LONGEST_JOINED
        and rest[0] not in _NEVER_AFTER
        and not _SENTENCE.search(rest)
    )


def _slug(text: str) -> tuple[Heading, ...]:
    """`1-3 夜 外 御花园`, `内景 御花园 日`: the first line of a scene in shooting scripts."""
    if _BARE_SLUG.fullmatch(text):
        return (Heading(SCENE, text, title=text),)
    match = _SLUG.fullmatch(text)
    if match and _SLUG_MARK.search(match["rest"]) and not re.search("[：:。！？“]", match["rest"]):
        number = int(re.split(r"\D+", match["n"])[-1])
        return (Heading(SCENE, match["n"], "", number, False, match["rest"]),)
    return ()


def _unlabelled(text: str) -> tuple[Heading, ...]:
    """`【另分一幕】`, and a row of stars or dashes."""
    if _ANOTHER.fullmatch(text):
        return (Heading(ACT, text.strip(OPENERS + CLOSERS)),)
    return (Heading(SCENE, ""),) if _BREAK.fullmatch(text) else ()
