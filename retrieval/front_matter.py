"""The book's name and author: from YAML, from the first lines, from the file's name."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import yaml

FRONT_LINES = 8

_TITLE_LINE = re.compile(r"^《(?P<title>[^》]{1,60})》\s*(?P<rest>.*)$")
_NAMED_LINE = re.compile(r"^[【\[]?\s*书\s*名\s*[】\]]?\s*[:：]\s*《?(?P<title>[^》]{1,60}?)》?$")
_AUTHOR = re.compile(
    r"^[【\[(（]?\s*(?:作\s*者|著者|原著)\s*[】\])）]?\s*[:：]?\s*(?P<a>[^\s【\[(（]{1,30})"
    r"|^文\s*[/／]\s*(?P<b>\S{1,30})$|^(?P<c>\S{1,20})\s*著$|^by\s+(?P<d>.{1,40})$",
    re.I,
)
_CONTENTS_LINE = re.compile(r"^[【\[]?\s*目\s*[录錄]\s*[】\]]?$|^contents$", re.I)
_GROUPS = re.compile(r"【[^】]*】|\[[^\]]*\]|〔[^〕]*〕")
_NOISE = re.compile(
    r"[(（][^)）]*(?:完|全本|全集|精校|校对|校對|下载|下載|电子书|版|txt|www|\.com|\.net|\.org)[^)）]*[)）]",
    re.I,
)
_TRAILING_NOISE = re.compile(
    r"[\s_\-—]*(?:全本|完本|完结|全集|精校版?|校对版?|txt(?:下载)?)$", re.I
)
_INLINE_AUTHOR = re.compile(r"[\s_\-—(（]*作者\s*[:：_]?\s*(?P<author>[^\s()（）【\[]{1,30}).*$")


@dataclass(frozen=True, slots=True)
class Front:
    """What the lines before the first chapter say of the whole book, and which lines do."""

    title: str | None = None
    author: str | None = None
    lines: frozenset[int] = frozenset()


def yaml_matter(lines: Sequence[str]) -> tuple[int, Front]:
    """The front matter between two `---`: where it ends, and what it says."""
    if lines[0].rstrip() != "---":
        return 0, Front()
    end = next((i for i, s in enumerate(lines[1:200], 1) if s.rstrip() in ("---", "...")), 0)
    try:
        matter = yaml.safe_load("\n".join(lines[1:end]))
    except (yaml.YAMLError, ValueError, RecursionError):
        matter = None
    if not isinstance(matter, dict):
        return 0, Front()
    said = {k: v.strip() for k, v in matter.items() if isinstance(v, str) and v.strip()}
    title, author = said.get("title"), said.get("author")
    return end + 1, Front(title, author, frozenset(range(end + 1)))


def from_file_name(name: str) -> tuple[str, str | None]:
    """Title and author that a name such as 《书》作者：人【站名】 holds; no folder, no suffix."""
    text = _NOISE.sub("", _GROUPS.sub("", name)).strip()
    by = _INLINE_AUTHOR.search(text)
    author = by["author"] if by else None
    text = text[: by.start()] if by else text
    quoted = re.search(r"《([^》]+)》", text)
    title = quoted[1] if quoted else _TRAILING_NOISE.sub("", text)
    title = title.strip(" \t\u3000_-—")
    return (title if any(map(str.isalnum, title)) else name.strip()) or "未命名", author


def first_lines(
    lines: Sequence[str], stop: int, hidden: Collection[int], named: Collection[str]
) -> Front:
    """Title, author and contents lines at the very start, until the first other line.

    `named` are the titles that are known already.
    """
    filled = [i for i in range(stop) if i not in hidden and lines[i].strip()][:FRONT_LINES]
    title: str | None = None
    author: str | None = None
    taken: list[int] = []
    for place, i in enumerate(filled):
        text = lines[i].strip().strip("\ufeff")
        next_line = lines[filled[place + 1]].strip() if place + 1 < len(filled) else ""
        match = _TITLE_LINE.match(text) or _NAMED_LINE.match(text)
        rest = match.groupdict().get("rest") or "" if match else ""
        by = _AUTHOR.match(rest if match else text) if len(text) <= 80 else None
        if match and (by or not rest):
            title = title or match["title"].strip()
        elif place == 0 and (text in named or _is_name_above_author(text, next_line)):
            title = text
        elif not by and not _CONTENTS_LINE.match(text):
            break
        author = author or (next(g for g in by.groups() if g) if by else None)
        taken.append(i)
    return Front(title, author, frozenset(taken))


def _is_name_above_author(text: str, next_line: str) -> bool:
    plain = len(text) <= 30 and not re.search("[。！？!?；;，,：:…]", text)
    return plain and len(next_line) <= 40 and bool(_AUTHOR.match(next_line))
