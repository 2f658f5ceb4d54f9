"""SillyTavern's chats: JSONL, a header and then one message a line, its other versions in `swipes`.

    {"user_name": "…", "character_name": "…", "chat_metadata": {"note_prompt": "…"}}
    {"name": "…", "is_user": false, "is_system": false, "mes": "…", "swipes": ["…"], "swipe_id": 0}

A message becomes a row of siblings, one of them chosen. Lines that the reader hid from the model
(`is_system`) are not said by anybody here; they are kept with the message behind them and written
again. Of a tree of branches a chat file has one path, and every version of each message on it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from retrieval.lore.formats import parse_json
from retrieval.lore.formats.fields import Field, Raw, inside, number, read_fields, write_fields
from server.errors import TooLarge
from server.personas.interchange.refusals import damaged, unknown

MOST_MESSAGES = 20_000
MOST_VERSIONS = 200
"""Of one message."""
KEPT = "sillytavern"
"""Where a message's `details` have what its line said beside the text."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the path: its versions, which of them is on it, its line as it came."""

    role: str
    versions: list[str]
    chosen: int
    kept: dict[str, Any] = field(default_factory=dict)
    """`{"line": {…}, "before": [hidden lines], "after": […]}`; the first one's `header` too."""
    at: datetime | None = None
    name: str = ""
    """Who said it, of a group's members; empty: the chat's one character."""


@dataclass(frozen=True, slots=True)
class Chat:
    columns: dict[str, Any]
    """Of the conversation."""
    said: list[Said]


def _name(raw: Raw) -> str:
    value = raw.get("user_name")
    told = " ".join(value.split())[:100].strip() if isinstance(value, str) else ""
    # What SillyTavern writes there since it no longer reads it.
    return "" if told == "unused" else told


HEADER = (
    Field("user_name", _name, lambda v: {"user_name": v}),
    inside(
        "chat_metadata",
        Field(
            "author_note",
            lambda raw: _string(raw.get("note_prompt"))[:20_000],
            lambda v: {"note_prompt": v},
        ),
    ),
    inside(
        "chat_metadata",
        Field(
            "author_depth",
            lambda raw: number(raw.get("note_depth"), 4, 0, 1000),
            lambda v: {"note_depth": v},
        ),
    ),
)


def is_chat(line: Any) -> bool:
    return isinstance(line, Mapping) and "mes" in line and "is_user" in line


def read_chat(data: bytes) -> Chat:
    """Raises Invalid where it is no chat or a line of it is broken, TooLarge."""
    lines = _lines(data)
    header = dict(lines.pop(0)) if lines and not is_chat(lines[0]) else {}
    if not any(is_chat(line) for line in lines):
        raise unknown("这个文件里没有对谈；请选 SillyTavern 导出的聊天记录（.jsonl）。")
    for n, line in enumerate(lines):
        if not is_chat(line):
            raise damaged(f"聊天记录的第 {n + 2} 行不是一句话，文件可能不完整，请重新导出一份。")
    columns = read_fields(HEADER, header)
    names = (_name({"user_name": line.get("name")}) for line in lines if line["is_user"])
    columns["user_name"] = columns["user_name"] or next((n for n in names if n), "我")
    return Chat(columns, _messages(header, lines))


def write_chat(columns: Mapping[str, Any], character: str, said: Sequence[Said]) -> str:
    """`columns`: the conversation's user_name, author_note and author_depth."""
    kept = said[0].kept.get("header", {}) if said else {}
    named = {"user_name": columns["user_name"], "character_name": character}
    told = named | write_fields(HEADER, columns, kept)
    if "user_name" in kept and not _name(kept):
        # It was taken from what was said, where it still stands.
        told["user_name"] = kept["user_name"]
    told.setdefault("chat_metadata", {})
    lines: list[Any] = [told]
    for one in said:
        name = columns["user_name"] if one.role == "user" else one.name or character
        lines += [*one.kept.get("before", []), _line(one, name), *one.kept.get("after", [])]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _lines(data: bytes) -> list[Any]:
    rows = [row for row in data.splitlines() if row.strip()]
    if len(rows) > MOST_MESSAGES:
        raise TooLarge(
            f"聊天记录有 {len(rows)} 句，一次最多导入 {MOST_MESSAGES} 句，请分成几个文件。"
        )
    try:
        return [parse_json(row) for row in rows]
    except ValueError as error:
        raise unknown("这个文件不是 JSONL：有一行不是 UTF-8 的 JSON，请重新导出一份。") from error


def _messages(header: dict[str, Any], lines: Sequence[Any]) -> list[Said]:
    said: list[Said] = []
    hidden: list[Any] = []
    for line in lines:
        if line.get("is_system"):
            hidden.append(line)
            continue
        kept = {"line": line} | ({"before": hidden} if hidden else {})
        if not said and header:
            kept["header"] = header
        versions, chosen = _versions(line)
        role = "user" if line["is_user"] else "assistant"
        at = _time(line.get("send_date"))
        said.append(Said(role, versions, chosen, kept, at, _string(line.get("name")).strip()))
        hidden = []
    if not said:
        raise unknown("这份聊天记录里每一句都是隐藏的，没有可以导入的话。")
    if hidden:
        said[-1].kept["after"] = hidden
    return said


def _versions(line: Raw) -> tuple[list[str], int]:
    """(the versions, which of them `mes` is)."""
    text = _string(line["mes"])
    swipes = line.get("swipes")
    versions = [_string(v) for v in swipes] if isinstance(swipes, list) else []
    if not versions:
        return [text], 0
    if len(versions) > MOST_VERSIONS:
        raise TooLarge(f"有一句话带着 {len(versions)} 种说法，最多 {MOST_VERSIONS} 种。")
    chosen = number(line.get("swipe_id"), 0, 0, len(versions) - 1)
    # SillyTavern writes an edit into `mes` first.
    versions[chosen] = text
    return versions, chosen


def _line(one: Said, name: str) -> dict[str, Any]:
    """The line as it came, with what is said now."""
    raw = one.kept.get("line", {})
    told: dict[str, Any] = dict(raw) or {
        "name": name,
        "is_user": one.role == "user",
        "is_system": False,
        "send_date": one.at.isoformat() if one.at else "",
        "mes": "",
        "extra": {},
    }
    if raw and _versions(raw) == (one.versions, one.chosen):
        return told
    told["mes"] = one.versions[one.chosen]
    if len(one.versions) > 1 or "swipes" in raw:
        infos = raw.get("swipe_info")
        known = list(infos)[: len(one.versions)] if isinstance(infos, list) else []
        blank = [{"send_date": told.get("send_date", ""), "extra": {}}]
        told |= {
            "swipes": list(one.versions),
            "swipe_id": one.chosen,
            "swipe_info": known + blank * (len(one.versions) - len(known)),
        }
    return told


def _time(value: Any) -> datetime | None:
    """Where it is told as ISO 8601, as SillyTavern does now; older files told it in words."""
    if not isinstance(value, str):
        return None
    try:
        told = datetime.fromisoformat(value)
    except ValueError:
        return None
    return told if told.tzinfo else None


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
