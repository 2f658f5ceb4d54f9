"""Taking out of items what nobody should learn: site spam, encoding damage, unwanted words.

Clean text is never touched: what is not found stays to the last character. Every removal is
counted under its reason, with the first example and where it stood. Of a conversation, a site's
sentence goes and the rest stays; one that is damaged beyond reading, or holds an unwanted word,
goes as a whole, because half an answer teaches half an answer. Of a bare text, the line goes.
"""

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.data.damage import lost, mend
from training.data.items import flaw, texts, with_texts
from training.data.spam import find_spam, without
from training.errors import BadInput
from training.types import Item, Progress, Text

REASONS = {
    "site_address": "网站地址", "site_notice": "网站的提示语", "navigation": "翻页链接",
    "chapter_end": "“本章完”一类", "begging": "求票求收藏", "html": "网页代码",
    "mojibake": "乱码，已还原", "invisible": "看不见的字符", "damaged": "编码损坏，无法还原",
    "keyword": "关键词", "empty": "清理后不剩内容",
}  # fmt: skip
EXAMPLE = 80
HOPELESS_SHARE = 0.2
"""A bare text that loses more than this share of its characters to damage goes as a whole."""
_BREAK = re.compile(r"[ \t]*<(?:br|/p|/div)\s*/?>[ \t]*\n?", re.IGNORECASE)
_TAG = re.compile(r"</?(?:p|div|span|font|b|i|strong|em|a)(?:\s[^<>\n]{0,200})?>", re.IGNORECASE)
_ENTITY = re.compile(
    r"&(?:nbsp|ensp|emsp|lt|gt|amp|quot|ldquo|rdquo|lsquo|rsquo|hellip|mdash|middot|#\d{2,5});"
)


@dataclass(frozen=True, slots=True)
class Rules:
    spam: bool = True
    damage: bool = True
    keywords: tuple[str, ...] = ()


@dataclass
class Removed:
    """What was taken for one reason."""

    places: int = 0
    items: int = 0
    """Items that went as a whole."""
    characters: int = 0
    example: str = ""
    source: str = ""
    place: str = ""


@dataclass
class Cleaner:
    """Cleans items one by one and counts; `report()` is plain JSON, by reason."""

    rules: Rules = field(default_factory=Rules)
    removed: dict[str, Removed] = field(default_factory=dict)
    seen: int = 0
    changed: int = 0
    dropped: int = 0

    def __post_init__(self) -> None:
        words = sorted(set(self.rules.keywords), key=len, reverse=True)
        self._keywords = re.compile("|".join(map(re.escape, words))) if words else None

    def clean(self, item: Item) -> Item | None:
        """The item as it should be learned; the same object where nothing was found; None where
        it should not be learned at all."""
        self.seen += 1
        cleaned = self._cleaned(item)
        if cleaned is None:
            self.dropped += 1
        elif cleaned is not item:
            self.changed += 1
        return cleaned

    def report(self) -> dict[str, Any]:
        reasons = [
            {"reason": reason, "says": REASONS[reason], **vars(removed)}
            for reason, removed in sorted(self.removed.items())
        ]
        counts = {"seen": self.seen, "changed": self.changed, "dropped": self.dropped}
        return {**counts, "removed": reasons}

    def _cleaned(self, item: Item) -> Item | None:
        cleaned: Item | None = with_texts(item, lambda text: self._changed(text, item))
        if isinstance(cleaned, Text):
            cleaned = self._without_lines(cleaned)
        elif cleaned is not None and self._is_unfit(cleaned):
            cleaned = None
        if cleaned is None:
            return None
        if cleaned == item:
            return item
        if flaw(cleaned):
            self._count("empty", item, "", whole=True)
            return None
        return cleaned

    def _changed(self, text: str, item: Item) -> str:
        """A text less what is a site's, with what could be read again."""
        if self.rules.damage:
            text, mended = mend(text)
            for each in mended:
                self._count(each.reason, item, each.before)
        if not self.rules.spam:
            return text
        if isinstance(item, Text):
            text = self._without_html(text, item)
        spans = find_spam(text)
        for span in spans:
            self._count(span.reason, item, text[span.start : span.end])
        return without(text, spans)

    def _without_html(self, text: str, item: Item) -> str:
        """Books hold no tags; conversations may be about them."""

        def counted(match: re.Match[str], instead: str) -> str:
            self._count("html", item, match.group())
            return instead

        text = _BREAK.sub(lambda match: counted(match, "\n"), text)
        text = _TAG.sub(lambda match: counted(match, ""), text)
        return _ENTITY.sub(lambda match: counted(match, html.unescape(match.group())), text)

    def _without_lines(self, item: Text) -> Text | None:
        kept, gone = [], 0
        for line in item.text.split("\n"):
            reason = self._line_reason(line)
            if reason is None:
                kept.append(line)
                continue
            self._count(reason, item, line)
            gone += len(line) if reason == "damaged" else 0
        if gone > HOPELESS_SHARE * len(item.text):
            self._count("damaged", item, "", whole=True)
            return None
        return item if len(kept) == item.text.count("\n") + 1 else _with_lines(item, kept)

    def _line_reason(self, line: str) -> str | None:
        if self._keywords is not None and self._keywords.search(line):
            return "keyword"
        if self.rules.damage and next(lost(line), None) is not None:
            return "damaged"
        return None

    def _is_unfit(self, item: Item) -> bool:
        for _, text, _ in texts(item):
            for line in text.split("\n"):
                if reason := self._line_reason(line):
                    self._count(reason, item, line, whole=True)
                    return True
        return False

    def _count(self, reason: str, item: Item, what: str, *, whole: bool = False) -> None:
        removed = self.removed.setdefault(reason, Removed())
        if whole:
            removed.items += 1
        if what:
            removed.places += 1
            removed.characters += len(what)
        if what and not removed.example:
            removed.example = what.strip()[:EXAMPLE] or repr(what)
            removed.source, removed.place = item.origin.source, item.origin.place


def cleaned(
    items: Iterable[Item], cleaner: Cleaner, progress: Progress, total: int = 0
) -> Iterator[Item]:
    """The items that are left; `progress` hears how many the cleaner has seen."""
    for item in items:
        if (kept := cleaner.clean(item)) is not None:
            yield kept
        progress(cleaner.seen, total)


def keywords_in(path: Path) -> tuple[str, ...]:
    """One a line; empty lines and those that begin with # are none. Raises BadInput."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("读不了关键词表，它应是 UTF-8 的文本，一行一个", file=path) from error
    return tuple(word for line in lines if (word := line.strip()) and not word.startswith("#"))


def _with_lines(item: Text, lines: list[str]) -> Text:
    return Text("\n".join(lines), item.origin, item.weight, item.extra)
