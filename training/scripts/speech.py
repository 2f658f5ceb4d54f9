"""What stands behind a row's colon: the words, the stage directions among them, the quotes around.

`parts_of` is lossless; `words_of` is how a reader says the same aloud.
"""

import re
from collections.abc import Iterable, Iterator

from training.scripts.brackets import CLOSERS, OPENERS, groups
from training.scripts.structure import Part, PartKind

QUOTES = {"“": "”", "「": "」", "『": "』", "‘": "’", "﹁": "﹂", "《": "》"}
_WHOLE = {"“": "”", "「": "」", "『": "』", "‘": "’", "﹁": "﹂", '"': '"'}
"""Quotes that scripts put around a whole speech; 《》 is a title's."""
_OPENER = {closer: opener for opener, closer in _WHOLE.items() if opener != closer}
_ROW_END = re.compile(r"[ \t\u3000\xa0]*(?:\r\n|\n|\r)[ \t\u3000\xa0]*")
_NUMBER_ONLY = re.compile(
    rf"[{re.escape(OPENERS)}]\s*[0-9０-９一二三四五六七八九十]{{1,3}}\s*[{re.escape(CLOSERS)}]"
)
_FINISHED = "。！？!?…”」』）)—～~：:；;》"


def parts_of(text: str) -> list[Part]:
    """A speech with all its rows as parts; joined they are the text."""
    return list(_marked(list(_spoken(text))))


def words_of(parts: Iterable[Part], directions: bool) -> str:
    """What is said, its rows joined; stage directions in （） where they stand, if they are kept."""
    said = ""
    for part in parts:
        if part.kind in ("speech", "narration", "setting"):
            said = _joined(said, part.text)
        elif part.kind == "direction" and directions:
            said += in_brackets(part.text)
        elif part.kind == "mark" and "\n" in part.text.replace("\r", "\n"):
            said = said if said.endswith("\n") or not said else said + "\n"
    return said.strip()


def in_brackets(direction: str) -> str:
    """A stage direction as the desk writes all of them: in full-width round brackets, in one row."""
    inner = _ROW_END.sub("", direction.strip()).lstrip("△▲▽▼※◎ \u3000")
    while inner and inner[0] in OPENERS and groups(inner)[:1] == [(0, len(inner))]:
        inner = inner[1:-1].strip()
    inner = inner.strip("".join((OPENERS, CLOSERS))) if not groups(inner) else inner
    return f"（{inner}）" if inner else ""


def _joined(said: str, text: str) -> str:
    """Rows of Chinese go on without a gap unless the row above had come to an end."""
    if not said.endswith("\n"):
        return said + text
    above = said.rstrip("\n")
    if not above or above[-1] in _FINISHED:
        return said + text
    latin = above[-1].isascii() and text[:1].isascii()
    return above + (" " if latin else "") + text


def _spoken(text: str) -> Iterator[Part]:
    """Words, directions and the white space at rows' ends, as they come."""
    place = 0
    for start, end in [*_directions(text), (len(text), len(text))]:
        yield from _rows(text[place:start])
        if end > start:
            yield Part("direction", text[start:end])
        place = end


def _directions(text: str) -> list[tuple[int, int]]:
    """Spans of stage directions; one that is not closed goes to the end of its row."""
    closed = groups(text)
    spans = [span for span in closed if not _NUMBER_ONLY.fullmatch(text, *span)]
    place, inside = 0, iter([*closed, (len(text), len(text))])
    group = next(inside)
    while place < len(text):
        if place == group[0]:
            place, group = group[1], next(inside, (len(text), len(text)))
        elif text[place] in OPENERS:
            row = _ROW_END.search(text, place)
            end = row.start() if row else len(text.rstrip())
            stop = min(end, group[0])
            spans.append((place, stop))
            place = stop
        else:
            place += 1
    return sorted(spans)


def _rows(text: str) -> Iterator[Part]:
    place = 0
    for gap in _ROW_END.finditer(text):
        if gap.start() > place:
            yield Part("speech", text[place : gap.start()])
        yield Part("mark", gap[0])
        place = gap.end()
    if place < len(text):
        yield Part("speech", text[place:])


def _marked(parts: list[Part]) -> Iterator[Part]:
    """The parts, with quotes around the whole speech and white space at its ends as marks."""
    said = [n for n, part in enumerate(parts) if part.kind == "speech" and part.text.strip()]
    before, behind = _quotes_around("".join(parts[n].text for n in said).strip())
    for n, part in enumerate(parts):
        if part.kind != "speech" or not part.text.strip():
            yield part if part.kind != "speech" else Part("mark", part.text)
            continue
        front = len(part.text) - len(part.text.lstrip()) + (before if n == said[0] else 0)
        back = max(front, len(part.text.rstrip()) - (behind if n == said[-1] else 0))
        pieces: tuple[tuple[PartKind, str], ...] = (
            ("mark", part.text[:front]), ("speech", part.text[front:back]), ("mark", part.text[back:]),
        )  # fmt: skip
        yield from (Part(kind, text) for kind, text in pieces if text)


def _quotes_around(text: str) -> tuple[int, int]:
    """How many characters at its two ends are quotes around all of it.

    `“好。”他说，“走。”` has none. Behind `「好。”」` stands one more that nothing opened.
    """
    if not _is_quoted(text):
        return 0, 0
    inner = text[1:-1]
    opener = _OPENER.get(inner[-1:])
    stray = opener is not None and inner.count(inner[-1]) > inner.count(opener)
    return 1, 2 if stray else 1


def _is_quoted(text: str) -> bool:
    opener, closer = text[:1], _WHOLE.get(text[:1])
    if closer is None or len(text) < 2 or text[-1] != closer:
        return False
    inner = text[1:-1]
    if opener == closer:
        return opener not in inner
    depth = 1
    for character in inner:
        depth += (character == opener) - (character == closer)
        if depth == 0:
            return False
    return True
