"""Who speaks: what stands before a row's colon, with the stage directions inside it.

`甄嬛（低声）：`, `甲、乙：`, `（急）流朱:`, `甄嬛 OS：`. Everything here looks at one row and at the
names that speak elsewhere in the script.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from training.scripts.brackets import groups
from training.scripts.structure import Part

LONGEST_NAME = 12
LONGEST_HEAD = 60
"""Characters of names, separators and all, without directions."""
OFTEN = 3
"""A name that looks like a sentence (`纸上写着`) is one if it heads this many rows."""
KNOWN = 2
"""Rows after which a name may be told without a separator or with a slip for its colon."""

_COLON = "：:"
_SLIP = "；;"
_STOPS = '。！？!?，,“”"「」『』‘’…《》\n\r'
_SEPARATORS = re.compile(r"\s*[、/／&＆+＋]\s*")
_JOINERS = re.compile(r"(?<=.)[与和及跟同](?=.)")
_VOICE_OVER = re.compile(
    r"\s*(?:(?<![A-Za-z])(?:O\.?S\.?|V\.?O\.?)|画外音|畫外音|内心独白|独白|心声|旁白音)$", re.I
)
_INNER_SPACE = re.compile(r"(?<=[\u3400-\u9fff])[\s\u3000]+(?=[\u3400-\u9fff])")
_SENTENCE_LIKE = re.compile("[你我她他它这那是了着吗呢吧把被]")
_SAID = re.compile(r"(?:问|笑|喊|叫|骂|又|大|齐|同)?(?:道|说|曰)$")
_LETTERS = frozenset("甲乙丙丁戊己庚辛壬癸ABCDEFGH")
NARRATORS = frozenset({"旁白", "解说", "解说词", "字幕", "画外音", "叙述", "narration", "narrator"})
UNNAMED_NARRATORS = frozenset({"scene", "场景描述"})
"""Marks of what happens, not of somebody who tells it: `scene:` in role:「line」 data."""


@dataclass(frozen=True, slots=True)
class Head:
    """A row's beginning up to its colon and the white space behind it.

    `names` are as written, one each, without inner white space: none where only a direction or a
    dash stands before the colon. `length` is in characters of the row.
    """

    parts: tuple[Part, ...]
    names: tuple[str, ...]
    length: int


def split_head(row: str, known: Mapping[str, int] | None = None) -> Head | None:
    """The head of a row, or None where it has none.

    `known` says how many rows each name heads: with it `甄嬛与流朱` and `甄嬛眉庄` are two, `；` may
    stand for the colon of a name, and what looks like a sentence is no name.
    """
    spans = groups(row[: row.find("\n")] if "\n" in row else row)
    found = _colon(row, spans, known)
    if found is None:
        return None
    colon, slip = found
    parts, names = _split(row[:colon], spans, known)
    if slip and not (len(names) == 1 and (known or {}).get(names[0], 0) >= KNOWN):
        return None
    if not all(_may_be_name(name, known) for name in names):
        return None
    end = colon + 1
    while end < len(row) and row[end] in " \t\u3000\xa0":
        end += 1
    return Head((*parts, Part("mark", row[colon:end])), names, end)


def count_names(rows: Iterable[str]) -> Counter[str]:
    """How many rows each name heads, alone or with others apart by 、 and the like."""
    counts: Counter[str] = Counter()
    for row in rows:
        head = split_head(row)
        if head is not None:
            counts.update(head.names)
    return counts


def plain(name: str) -> str:
    """A name without the white space that sets it: `鲁　贵` is 鲁贵."""
    return _INNER_SPACE.sub("", name.strip())


def _colon(
    row: str, spans: list[tuple[int, int]], known: Mapping[str, int] | None
) -> tuple[int, bool] | None:
    """(the place of the colon outside brackets, whether it is a slip for one)."""
    place = letters = 0
    ends = dict(spans)
    while place < len(row) and letters <= LONGEST_HEAD:
        character = row[place]
        if place in ends:
            place = ends[place]
            continue
        if character in _COLON:
            return None if _is_time_or_address(row, place) else (place, False)
        if character in _SLIP:
            return (place, True) if known else None
        if character in _STOPS and not (character in "，," and row[place + 1 : place + 2] in "：:"):
            return None
        place += 1
        letters += 1
    return None


def _is_time_or_address(row: str, place: int) -> bool:
    before, after = row[place - 1 : place], row[place + 1 : place + 2]
    return (before.isdigit() and after.isdigit()) or row.startswith("//", place + 1)


def _split(
    head: str, spans: list[tuple[int, int]], known: Mapping[str, int] | None
) -> tuple[list[Part], tuple[str, ...]]:
    """The head's parts, and the names among them."""
    parts: list[Part] = []
    names: list[str] = []
    place = 0
    for start, end in [*(span for span in spans if span[1] <= len(head)), (len(head), len(head))]:
        for part in _named(head[place:start], known):
            parts.append(part)
            if part.kind == "role":
                names.append(plain(part.text))
        if end > start:
            parts.append(Part("direction", head[start:end]))
        place = end
    return parts, tuple(dict.fromkeys(names))


def _named(text: str, known: Mapping[str, int] | None) -> list[Part]:
    """A stretch without directions: names and the marks between and around them."""
    parts: list[Part] = []
    place = 0
    for gap in [*_SEPARATORS.finditer(text), None]:
        end = gap.start() if gap else len(text)
        parts += _one_stretch(text[place:end], known)
        if gap:
            parts.append(Part("mark", gap[0]))
            place = gap.end()
    return parts


def _one_stretch(text: str, known: Mapping[str, int] | None) -> list[Part]:
    core = text.strip(" \t\u3000\xa0\ufeff\r-—–•·*＊#，,>")
    if not core:
        return [Part("mark", text)] if text else []
    start = text.index(core)
    voice = _VOICE_OVER.search(core)
    name = core[: voice.start()] if voice and voice.start() else core
    parts = [Part("mark", text[:start])] if start else []
    parts += _several(name, known)
    if len(name) < len(core):
        parts.append(Part("direction", core[len(name) :]))
    if start + len(core) < len(text):
        parts.append(Part("mark", text[start + len(core) :]))
    return parts


def _several(name: str, known: Mapping[str, int] | None) -> list[Part]:
    """`甄嬛与流朱` and `甄嬛眉庄`, where they are known to be two; else the one name."""
    if not known or known.get(plain(name), 0) >= OFTEN:
        return [Part("role", name)]
    for joiner in _JOINERS.finditer(name):
        before, after = name[: joiner.start()], name[joiner.end() :]
        if _are_two(plain(before), plain(after), known):
            return [*_several(before, known), Part("mark", joiner[0]), *_several(after, known)]
    said = _SAID.search(name)
    if said and said.start() > 1 and known.get(plain(name[: said.start()]), 0):
        return [Part("role", name[: said.start()]), Part("mark", said[0])]
    return [Part("role", each) for each in _end_to_end(name, known) or [name]]


def _are_two(before: str, after: str, known: Mapping[str, int]) -> bool:
    if before in _LETTERS and after in _LETTERS:
        return True
    sides = [(known.get(side, 0) > 0, len(side) > 1) for side in (before, after)]
    return any(is_known for is_known, _ in sides) and all(k or long for k, long in sides)


def _end_to_end(name: str, known: Mapping[str, int]) -> list[str]:
    """The known names that make up this one without a gap, the fewest; [] where there are none."""
    ways: list[list[str] | None] = [[], *([None] * len(name))]
    for end in range(2, len(name) + 1):
        for start in range(end - 1):
            way, piece = ways[start], name[start:end]
            if way is None or len(piece) == len(name) or known.get(piece, 0) < KNOWN:
                continue
            best = ways[end]
            if best is None or len(way) + 1 < len(best):
                ways[end] = [*way, piece]
    return ways[-1] or []


def _may_be_name(name: str, known: Mapping[str, int] | None) -> bool:
    if not any(character.isalpha() for character in name):
        return False
    longest = LONGEST_HEAD if name.isascii() else LONGEST_NAME
    if len(name) > longest:
        return False
    if known is None or known.get(name, 0) >= OFTEN:
        return True
    return len(name) < 4 or not _SENTENCE_LIKE.search(name)
