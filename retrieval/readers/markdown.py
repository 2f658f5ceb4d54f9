"""A Markdown file's bytes to lines and the headings among them."""

import re
from collections.abc import Sequence
from itertools import pairwise

from markdown_it import MarkdownIt

from retrieval.book import Doubt, Mark, Source
from retrieval.encoding import decode, readable
from retrieval.front_matter import yaml_matter

_HEADING_LIKE = re.compile(r"^ {0,3}(?:#{1,6}(?:[ \t]|$)|=+[ \t]*$|-+[ \t]*$)", re.M)
_PARSED_COLUMNS = 200
"""Block structure shows at a line's start; the rest need not be parsed."""
_PARSER = MarkdownIt("commonmark").disable("inline")


def read_markdown(data: bytes, encoding: str | None = None) -> Source:
    """Headings are marks; YAML at the beginning may name the book."""
    decoded = decode(data, encoding)
    lines = decoded.text.split("\n")
    doubts = [Doubt("stray_bytes", w.message, w.line) for w in decoded.warnings]
    matter, front = yaml_matter(lines)
    marks, more = _marks(lines, matter)
    offered = readable(data, decoded.encoding)
    told = (*doubts, *more)
    return Source("md", lines, tuple(marks), front, told, decoded.encoding, offered)


def _marks(lines: Sequence[str], start: int) -> tuple[list[Mark], list[Doubt]]:
    source = "\n".join(
        "" if i < start else line if line.lstrip().startswith("<") else line[:_PARSED_COLUMNS]
        for i, line in enumerate(lines)
    )
    if not _HEADING_LIKE.search(source):
        return [], []
    marks: list[Mark] = []
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
            marks.append(Mark(first, end, int(token.tag[1:]), re.sub(r"[*_`]", "", text)))
    return marks, doubts
