"""A Word document's bytes to lines: a paragraph is a line, its outline level makes it a heading.

What an author sees is read: text that a revision inserted, not what it deleted. What is no text
of the book (pictures, notes, comments) is left out and told.
"""

import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import docx
from docx.oxml.ns import qn
from docx.oxml.xmlchemy import BaseOxmlElement

from retrieval.book import Doubt, Mark, Source
from retrieval.errors import DamagedFile, EmptyText
from retrieval.front_matter import Front
from retrieval.readers.archive import Archive

_HEADING_NAME = re.compile(r"(?:heading|标题)\s*([1-9])", re.I)
_CONTENTS_NAME = re.compile(r"toc\b|目录", re.I)
DEEPEST = 6
_P, _TBL, _SDT, _CONTENT = (qn(f"w:{tag}") for tag in ("p", "tbl", "sdt", "sdtContent"))
_BREAKS = {qn("w:br"), qn("w:cr")}
_SKIPPED = {
    qn("w:del"): "", qn("w:moveFrom"): "", qn("w:rt"): "注音", qn("w:footnoteReference"): "脚注",
    qn("w:endnoteReference"): "尾注", qn("w:commentReference"): "批注",
    qn("w:drawing"): "图片或文本框", qn("w:pict"): "图片或文本框", qn("w:object"): "嵌入对象",
    qn("w:instrText"): "", qn("w:pPr"): "", qn("w:rPr"): "",
}  # fmt: skip
"""What holds no text of the book, and what to call it where it is told."""
_ALTERNATE = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"


def read_docx(data: bytes) -> Source:
    """Raises DamagedFile, EncryptedFile, OversizedFile or EmptyText."""
    Archive(data)  # refuses what python-docx would unpack without a limit
    try:
        document = docx.Document(io.BytesIO(data))
        body = document.element.body
        styles = _Styles(document.styles.element)
    except Exception as error:
        # What a broken package makes the library raise is any error at all.
        raise DamagedFile("这个 DOCX 文件已损坏，请用 Word 打开后另存一份再导入。") from error
    reading = _Reading(styles)
    reading.take(body)
    if not any(line.strip() for line in reading.lines):
        raise EmptyText("这个文档里没有文字，请换一个有内容的文件。")
    said = document.core_properties
    front = Front(reading.title or None, (said.author or "").strip() or None, reading.hidden())
    return Source("docx", reading.lines, tuple(reading.marks), front, tuple(reading.doubts()))


class _Styles:
    """What a paragraph's style says: its outline level, or that it is the title or a contents line."""

    def __init__(self, element: BaseOxmlElement) -> None:
        self._styles: dict[str, Any] = {
            s.get(qn("w:styleId")): s for s in element.iter(qn("w:style"))
        }
        self._known: dict[str, str] = {}

    def of(self, paragraph: BaseOxmlElement) -> str:
        """`1` to `9`, `title`, `contents` or nothing."""
        own = paragraph.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
        if own is not None:
            return _level(own)
        style = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        name = style.get(qn("w:val")) if style is not None else ""
        if name not in self._known:
            self._known[name] = self._role(name, 10)
        return self._known[name]

    def numbers(self, paragraph: BaseOxmlElement) -> bool:
        """Whether Word numbers it by itself; what it counts stands nowhere in the text."""
        style = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        its = self._styles.get(style.get(qn("w:val"))) if style is not None else None
        found = (
            e.find(f"{qn('w:pPr')}/{qn('w:numPr')}") for e in (paragraph, its) if e is not None
        )
        return any(e is not None for e in found)

    def _role(self, style_id: str, depth: int) -> str:
        """Styles are based on others; `depth` guards against those that run in a circle."""
        style = self._styles.get(style_id)
        if style is None or not depth:
            return ""
        label = style.find(qn("w:name"))
        name = label.get(qn("w:val"), "") if label is not None else ""
        heading = _HEADING_NAME.fullmatch(name)
        if heading:
            return heading[1]
        if name.lower() in ("title", "书名"):
            return "title"
        if _CONTENTS_NAME.match(name):
            return "contents"
        level = style.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
        if level is not None:
            return _level(level)
        based = style.find(qn("w:basedOn"))
        return self._role(based.get(qn("w:val")), depth - 1) if based is not None else ""


def _level(element: Any) -> str:
    """Word counts levels from 0; 9 is body text."""
    value = element.get(qn("w:val"), "9")
    return str(int(value) + 1) if value.isdecimal() and int(value) < 9 else ""


class _Reading:
    """The lines so far and what was met among them."""

    def __init__(self, styles: _Styles) -> None:
        self._styles = styles
        self.lines: list[str] = []
        self.marks: list[Mark] = []
        self.title = ""
        self._hidden: set[int] = set()
        self._left_out: Counter[str] = Counter()

    def take(self, parent: Any) -> None:
        for child in parent:
            if child.tag == _P:
                self._paragraph(child)
            elif child.tag == _TBL:
                self._table(child)
            elif child.tag == _SDT:
                content = child.find(_CONTENT)
                if content is not None:
                    self.take(content)

    def hidden(self) -> frozenset[int]:
        return frozenset(self._hidden)

    def doubts(self) -> Iterator[Doubt]:
        for what, count in self._left_out.items():
            unit = "处" if what != "表格" else "个"
            told = "按行读成了文字" if what == "表格" else "没有导入"
            yield Doubt("left_out", f"文档里有 {count} {unit}{what}，{told}，请核对。")

    def _paragraph(self, paragraph: Any) -> None:
        role = self._styles.of(paragraph)
        told = "".join(self._text(paragraph)).replace("\xa0", " ").split("\n")
        start = len(self.lines)
        self.lines += told
        text = " ".join(line.strip() for line in told).strip()
        if role == "contents" or (role == "title" and not self.title and text):
            self._hidden.update(range(start, len(self.lines)))
            self.title = self.title or (text if role == "title" else "")
        elif role.isdecimal() and text and int(role) <= DEEPEST:
            self.marks.append(Mark(start, len(self.lines), int(role), text))
            if self._styles.numbers(paragraph):
                self._left_out["标题的自动编号"] += 1

    def _table(self, table: Any) -> None:
        self._left_out["表格"] += 1
        for row in table.iter(qn("w:tr")):
            cells = [
                "".join("".join(self._text(p)) for p in cell.iter(_P))
                for cell in row.iter(qn("w:tc"))
            ]
            self.lines.append("　".join(cell.replace("\n", " ") for cell in cells))

    def _text(self, element: Any) -> Iterator[str]:
        for child in element:
            tag = child.tag
            if tag in _SKIPPED or tag == _ALTERNATE:
                name = _SKIPPED.get(tag, "")
                self._left_out.update([name] if name else [])
            elif tag == qn("w:t"):
                yield child.text or ""
            elif tag == qn("w:tab"):
                yield "\t"
            elif tag in _BREAKS:
                yield "" if child.get(qn("w:type")) in ("page", "column") else "\n"
            elif tag == qn("w:noBreakHyphen"):
                yield "-"
            else:
                yield from self._text(child)
