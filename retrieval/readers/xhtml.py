"""A document of an EPUB to lines: text blocks, headings, and the places that links can name."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree, html

_DECLARATION = re.compile(r"^\s*<\?xml[^>]*?(?:encoding\s*=\s*[\"']([\w.-]+)[\"'])?[^>]*\?>", re.I)
_EMPTY = re.compile(r"<([a-zA-Z][\w:.-]*)((?:\s[^<>]*)?)/>")
_VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
        "image",
    ]
)
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "center",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "td",
        "th",
        "tr",
        "ul",
    ]
)
_HEADINGS = {f"h{n}": n for n in range(1, 7)}
_SKIPPED = frozenset(
    [
        "head",
        "script",
        "style",
        "template",
        "rt",
        "rp",
        "rtc",
        "svg",
        "math",
        "audio",
        "video",
        "object",
    ]
)
_TOLD = {"rt": "注音", "svg": "图片", "math": "公式", "audio": "音频", "video": "视频",
         "object": "嵌入对象", "img": "图片", "image": "图片"}  # fmt: skip


@dataclass(slots=True)
class Page:
    """`anchors` map an element's id to the line where it begins; `headings` are (line, level)."""

    lines: list[str] = field(default_factory=list)
    anchors: dict[str, int] = field(default_factory=dict)
    headings: list[tuple[int, int]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def read_page(data: bytes) -> Page:
    """Text in the order of the document; what is malformed is read as a browser would."""
    page = Page()
    root = parse(data)
    if root is not None:
        _Walk(page).take(root)
    return page


def parse(data: bytes) -> Any | None:
    """The document's root. No entity of its own is expanded, nothing outside it is fetched."""
    text = _decoded(data)
    if not text.strip():
        return None
    # An HTML parser takes <title/> for a start tag and swallows what follows.
    text = _EMPTY.sub(_opened, text)
    parser = html.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        return html.document_fromstring(text, parser=parser)
    except (etree.LxmlError, ValueError):
        return None


def _opened(match: re.Match[str]) -> str:
    name, rest = match[1], match[2]
    return match[0] if name.lower() in _VOID else f"<{name}{rest}></{name}>"


def _decoded(data: bytes) -> str:
    """By its mark, by what it declares, else as UTF-8, which the format demands."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", "replace")
    else:
        declared = _DECLARATION.match(data[:200].decode("latin-1"))
        name = declared[1] if declared and declared[1] else "utf-8"
        try:
            text = data.decode(name, "replace")
        except LookupError:
            text = data.decode("utf-8", "replace")
    return _DECLARATION.sub("", text.removeprefix("\ufeff")).replace("\0", "")


class _Walk:
    """Down the tree: blocks end lines, white space runs together but in `pre`."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._text: list[str] = []
        self._level = 0

    def take(self, root: Any) -> None:
        # An explicit stack: a document may nest deeper than Python recurses.
        stack: list[tuple[str, Any]] = [("open", root)]
        while stack:
            step, node = stack.pop()
            if step == "text":
                self._text.append(node)
            elif step == "close":
                self._close(node)
            else:
                stack += reversed(list(self._open(node)))
        self._break()

    def _open(self, node: Any) -> Iterator[tuple[str, Any]]:
        """What follows from a node: its text, its children and theirs, its end."""
        tag = node.tag.lower().rpartition(":")[2] if isinstance(node.tag, str) else ""
        if tag in _BLOCKS:
            self._break()
        self._anchor(node.attrib)
        if tag in _TOLD:
            self._page.left_out[_TOLD[tag]] += 1
        if tag == "br":
            self._break(kept=True)
        elif tag == "hr":
            self._page.lines.append("")
        if tag and tag not in _SKIPPED:
            self._level = _HEADINGS.get(tag, self._level)
            keep = tag == "pre"
            yield "text", _flat(node.text or "", keep)
            for child in node:
                yield "open", child
                yield "text", _flat(child.tail or "", keep)
            yield "close", tag

    def _close(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._break()
        if tag in _HEADINGS:
            self._level = 0

    def _anchor(self, attributes: Mapping[str, str]) -> None:
        for name in ("id", "name"):
            if attributes.get(name):
                self._page.anchors.setdefault(attributes[name], len(self._page.lines))

    def _break(self, *, kept: bool = False) -> None:
        """End the line; an empty one stays where the document asks for it (`br`)."""
        told = "".join(self._text)
        self._text.clear()
        for line in told.split("\n"):
            text = re.sub(r"[ \t\r\f\v]+", " ", line).strip(" ").replace("\xa0", " ")
            if not text.strip() and not kept:
                continue
            if self._level and text.strip():
                self._page.headings.append((len(self._page.lines), self._level))
            self._page.lines.append(text)


def _flat(text: str, keep: bool) -> str:
    return text if keep else text.replace("\n", " ").replace("\r", " ")
