"""A text to a script: each row is taken for one thing, in the light of the rows above it.

Two passes: the first counts who speaks, so that the second can tell a name from a sentence, two
names from one, and a slip of the pen from a row of speech. A heading always wins, whatever is
open above it. Linear in the text.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from retrieval.book import Doubt
from training.scripts.brackets import OPENERS, depth_after, groups, is_bracketed
from training.scripts.headers import ACT, headings_of, is_cast, is_setting, odd_heading
from training.scripts.heads import (
    KNOWN,
    NARRATORS,
    UNNAMED_NARRATORS,
    Head,
    count_names,
    split_head,
)
from training.scripts.scenes import scenes_of
from training.scripts.speech import QUOTES, parts_of
from training.scripts.structure import Block, BlockKind, Heading, Part, PartKind, Script

LONGEST_QUOTE = 40
"""Rows after which a quotation that was never closed holds nothing together any more."""

_ROW = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_EDGES = re.compile(r"(?s)([\s\ufeff]*)(.*?)(\s*)")
_ACTION = "△▲▽▼※◎"
_BLANK = " \t\u3000\xa0\ufeff\r\n"
_CALLED = re.compile(r"[，,？?！!]")


def parse(text: str, known: Mapping[str, int] | None = None) -> Script:
    """The script that a text is; any text is one, if only of narration.

    `known` says how many rows each name heads where the text is a part of something longer
    (`heading_names` of all of it); by default the text itself is asked.
    """
    rows = _ROW.findall(text)
    found = [headings_of(row) for row in rows]
    reading = _Reading(heading_names(text) if known is None else known)
    for row, headings in zip(rows, found, strict=True):
        reading.take(row, headings)
    blocks = tuple(draft.block() for draft in reading.drafts)
    return Script(blocks, scenes_of(blocks), tuple(reading.doubts))


def heading_names(text: str) -> Counter[str]:
    """How many rows each name heads, told by colons alone."""
    rows = _ROW.findall(text)
    return count_names(row for row in rows if not headings_of(row) and not is_setting(row))


@dataclass(slots=True)
class _Draft:
    """A block while rows still join it."""

    kind: BlockKind
    line: int
    rows: list[str]
    head: Head | None = None
    headings: tuple[Heading, ...] = ()
    speakers: tuple[str, ...] = ()
    is_cast: bool = False
    brackets: int = 0
    """How many are open after the last row, in a stage direction."""
    quote: str = ""
    quotes: int = 0
    has_words: bool = field(default=False)

    @property
    def awaits_more(self) -> bool:
        """Whether a blank row does not end the speech: nothing was said yet, or a quote is open."""
        return not self.has_words or (self.quotes > 0 and len(self.rows) < LONGEST_QUOTE)

    def add(self, row: str) -> None:
        self.rows.append(row)
        self.hear(row)

    def hear(self, words: str) -> None:
        if not self.has_words:
            spans = groups(words)
            first = words[
                spans[0][1] if spans and not words[: spans[0][0]].strip() else 0 :
            ].strip()
            self.quote = first[0] if first and first[0] in QUOTES else ""
            self.has_words = bool(words.strip())
        if self.quote:
            self.quotes += words.count(self.quote) - words.count(QUOTES[self.quote])

    def block(self) -> Block:
        last = self.line + len(self.rows) - 1
        return Block(self.kind, tuple(self._parts()), self.line, last, self.speakers, self.headings)

    def _parts(self) -> Iterator[Part]:
        text = "".join(self.rows)
        if self.head is not None:
            yield from self.head.parts
            text = text[self.head.length :]
        if self.kind == "speech":
            yield from parts_of(text)
        elif self.kind == "blank":
            yield Part("mark", text)
        else:
            yield from _whole(self.kind, text)


def _whole(kind: PartKind, text: str) -> Iterator[Part]:
    """Everything between the white space at both ends as one part."""
    match = _EDGES.fullmatch(text)
    front, core, back = match.groups() if match else ("", text, "")
    pieces: tuple[tuple[PartKind, str], ...] = (("mark", front), (kind, core), ("mark", back))
    yield from (Part(each, piece) for each, piece in pieces if piece)


class _Reading:
    """Takes rows in order; `drafts` are the blocks so far."""

    def __init__(self, known: Mapping[str, int]) -> None:
        self.known = known
        self.drafts: list[_Draft] = []
        self.doubts: list[Doubt] = []
        self._line = 0
        self._level: int | None = None
        self._owner: _Draft | None = None
        """The speech that a row without a mark goes on with."""

    def take(self, row: str, headings: tuple[Heading, ...]) -> None:
        self._line += 1
        if headings or (headings := self._odd_heading(row)):
            self._header(row, headings)
        elif not row.strip(_BLANK):
            self._blank(row)
        elif not (self._goes_on_inside_brackets(row) or self._marked(row)):
            self._unmarked(row)

    @property
    def _last(self) -> _Draft | None:
        return self.drafts[-1] if self.drafts else None

    @property
    def _inside_quote(self) -> bool:
        return self._owner is not None and self._owner.has_words and self._owner.awaits_more

    def _open(self, kind: BlockKind, row: str) -> _Draft:
        self.drafts.append(_Draft(kind, self._line, [row]))
        return self.drafts[-1]

    def _odd_heading(self, row: str) -> tuple[Heading, ...]:
        """`第265秒` after a blank row, in a script that has headings."""
        odd = odd_heading(row) if self._level is not None else None
        if odd is None or self._last is None or self._last.kind != "blank":
            return ()
        label, number = odd
        level = ACT if self._level is None else self._level
        self._doubt("odd_heading", f"“{label}”的单位不像场次，按标题读了。")
        return (Heading(level, label, label[-1], number),)

    def _header(self, row: str, headings: tuple[Heading, ...]) -> None:
        self._open("header", row).headings = headings
        self._owner = None
        if headings[-1].label:
            self._level = headings[-1].level

    def _blank(self, row: str) -> None:
        if self._last is not None and self._last.kind == "blank":
            self._last.rows.append(row)
        else:
            self._open("blank", row)
        if self._owner is not None and not self._owner.awaits_more:
            self._owner = None

    def _goes_on_inside_brackets(self, row: str) -> bool:
        """A stage direction of several rows: until its bracket closes or somebody speaks."""
        last = self._last
        if last is None or last.kind != "direction" or last.brackets == 0:
            return False
        if row.strip(_BLANK)[0] in OPENERS or self._head(row, at_least=KNOWN):
            last.brackets = 0
            return False
        last.rows.append(row)
        last.brackets = depth_after(row, last.brackets)
        return True

    def _marked(self, row: str) -> bool:
        """Rows that say themselves what they are."""
        text = row.strip(_BLANK)
        if not self._inside_quote and is_setting(row, in_front=self._level is None):
            self._open("setting", row).is_cast = is_cast(row)
            self._owner = None
        elif head := self._head(row, at_least=KNOWN if self._inside_quote else 0):
            self._said(row, head)
        elif is_bracketed(text) or (text[0] in OPENERS and _never_closed(text)):
            self._open("direction", row).brackets = depth_after(text)
        elif text[0] in _ACTION:
            self._open("direction", row)
            self._owner = None
        else:
            return False
        return True

    def _head(self, row: str, at_least: int) -> Head | None:
        head = split_head(row, self.known)
        if head is not None and all(self.known.get(n, 0) >= at_least for n in head.names):
            return head if head.names or not at_least else None
        return None

    def _said(self, row: str, head: Head) -> None:
        words = row[head.length :]
        if not head.names and not words.strip(_BLANK + "".join((*QUOTES, *QUOTES.values()))):
            self._open("direction", row)
            return
        is_told = any(name in NARRATORS or name.lower() in UNNAMED_NARRATORS for name in head.names)
        draft = self._open("narration" if is_told else "speech", row)
        draft.head = head
        draft.speakers = tuple(n for n in head.names if n.lower() not in UNNAMED_NARRATORS)
        draft.hear(words)
        self._owner = draft

    def _unmarked(self, row: str) -> None:
        last = self._last
        if last is not None and last.kind == "setting" and last.is_cast:
            last.rows.append(row)
        elif self._owner is not None:
            self._go_on(self._owner, row)
        elif last is not None and last.kind == "narration" and last.head is None:
            last.rows.append(row)
        else:
            self._open("narration", row)

    def _go_on(self, owner: _Draft, row: str) -> None:
        """Another row of the same speech, also behind a stage direction that stood between."""
        self._doubt_missing_colon(row)
        if owner is self._last:
            owner.add(row)
            return
        draft = self._open(owner.kind, row)
        draft.speakers = owner.speakers
        draft.quote, draft.quotes, draft.has_words = owner.quote, owner.quotes, owner.has_words
        draft.hear(row)
        self._owner = draft

    def _doubt_missing_colon(self, row: str) -> None:
        text = row.strip(_BLANK)
        mark = _CALLED.search(text)
        if mark and self.known.get(text[: mark.start()], 0) >= KNOWN:
            name = text[: mark.start()]
            self._doubt(
                "missing_colon", f"这一行以“{name}”开头，像是少了冒号，现在算作上一句的下文。"
            )

    def _doubt(self, code: str, message: str) -> None:
        self.doubts.append(Doubt(code, message, self._line))


def _never_closed(text: str) -> bool:
    """Whether the bracket that a row begins with is still open at its end."""
    return all(start > 0 for start, _ in groups(text))
