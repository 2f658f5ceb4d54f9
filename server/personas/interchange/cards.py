"""Character Card V1, V2 and V3 (their specifications) against a persona's columns, both ways.

`kept` is the object as it came, less the lorebook that became rows: writing starts from it and
replaces only what the author changed. Files in a CHARX other than the icon are not kept, so that
`assets` which name them are left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from retrieval.lore.formats import LoreFile, lore_in
from retrieval.lore.formats.fields import Field, Raw, ours, part, read_fields, write_fields
from server.personas.interchange.charx import ICON, is_embedded
from server.personas.interchange.examples import read_examples, write_examples
from server.personas.interchange.refusals import unknown

Version = Literal[1, 2, 3]
V1 = ("name", "description", "personality", "scenario", "first_mes", "mes_example")
V2: dict[str, Any] = {
    **dict.fromkeys(V1, ""),
    "creator_notes": "",
    "system_prompt": "",
    "post_history_instructions": "",
    "alternate_greetings": [],
    "tags": [],
    "creator": "",
    "character_version": "",
    "extensions": {},
}
"""What a V2 card must have, and what each is where there is nothing to say."""
V3 = V2 | {"group_only_greetings": []}
SPECS: dict[int, tuple[str, str]] = {2: ("chara_card_v2", "2.0"), 3: ("chara_card_v3", "3.0")}
DOUBLED = {name: name for name in (*V1, "tags", "creator")} | {"creatorcomment": "creator_notes"}
"""Fields that SillyTavern writes a second time, beside `data`."""


@dataclass(frozen=True, slots=True)
class Card:
    columns: dict[str, Any]
    kept: dict[str, Any]
    """`{"data": {…}, "rest": {…}}`."""
    lore: LoreFile | None


def _text(name: str, column: str, most: int | None = None) -> Field:
    def read(raw: Raw) -> str:
        value = raw.get(name)
        return value.replace("\r\n", "\n")[:most] if isinstance(value, str) else ""

    return Field(column, read, lambda v: {name: v})


def _texts(name: str, column: str, most: int, longest: int | None = None) -> Field:
    """A list of texts, none of them blank."""

    def read(raw: Raw) -> list[str]:
        told = raw.get(name)
        listed = told if isinstance(told, list) else []
        texts = [t.replace("\r\n", "\n") for t in listed if isinstance(t, str) and t.strip()]
        return [t if longest is None else t.strip()[:longest] for t in texts[:most]]

    return Field(column, read, lambda v: {name: v})


def _called(name: str) -> Callable[[Raw], str]:
    def read(raw: Raw) -> str:
        value = raw.get(name)
        return " ".join(value.split())[:100].strip() if isinstance(value, str) else ""

    return read


_name = _called("name")


FIELDS = (
    Field("name", _name, lambda v: {"name": v}),
    Field("nickname", _called("nickname"), lambda v: {"nickname": v}),
    _text("description", "description"),
    _text("personality", "personality"),
    _text("scenario", "scenario"),
    _text("first_mes", "first_message"),
    Field(
        "examples",
        lambda raw: read_examples(str(raw.get("mes_example") or ""), _name(raw)),
        lambda v: {"mes_example": write_examples(v)},
    ),
    _text("creator_notes", "notes"),
    _text("system_prompt", "system_prompt"),
    _text("post_history_instructions", "post_history"),
    _texts("alternate_greetings", "alternates", 1000),
    _texts("tags", "tags", 50, 50),
    _text("creator", "creator", 200),
    ours("summary", lambda _: "", lambda v: isinstance(v, str) and len(v) <= 500),
)


def read_card(raw: Any) -> Card:
    """Raises Invalid where the object is no card."""
    if not isinstance(raw, Mapping):
        raise _no_card()
    if isinstance(raw.get("data"), Mapping) and str(raw.get("spec", "chara_card")) != "lorebook_v3":
        data, rest = dict(raw["data"]), {k: v for k, v in raw.items() if k != "data"}
    else:
        data = {k: raw[k] for k in V1 if k in raw}
        rest = {k: v for k, v in raw.items() if k not in V1}
    if "entries" in raw or not any(k in data for k in V1[1:]):
        raise _no_card()
    lore = lore_in({"data": data}) if "character_book" in data else None
    columns = read_fields(FIELDS, data)
    if lore is not None:
        del data["character_book"]
    return Card(columns, {"data": data, "rest": rest}, lore)


def write_card(
    columns: Mapping[str, Any],
    kept: Mapping[str, Any],
    book: Mapping[str, Any] | None,
    version: Version,
    *,
    embedded: bool = False,
) -> dict[str, Any]:
    """The card as an object to be written as JSON; `book`: its character_book; `embedded`: in a
    CHARX, where its icon lies at ICON."""
    raw, rest = part(kept, "data"), part(kept, "rest")
    data = write_fields(FIELDS, columns, raw)
    if version == 1:
        return {k: v for k, v in rest.items() if not k.startswith("spec")} | {
            name: data.get(name, "") for name in V1
        }
    for name, empty in (V3 if version == 3 else V2).items():
        data.setdefault(name, type(empty)())
    if book is not None:
        data["character_book"] = dict(book)
    _assets(data, embedded=embedded)
    spec, newest = SPECS[version]
    same = rest.get("spec") == spec and "spec_version" in rest
    return {
        **rest,
        **_doubled(rest, raw, data),
        "spec": spec,
        "spec_version": rest["spec_version"] if same else newest,
        "data": data,
    }


def _doubled(rest: Raw, raw: Raw, data: Raw) -> dict[str, Any]:
    """What stands a second time beside `data` says what `data` says."""
    return {
        name: data[inner]
        for name, inner in DOUBLED.items()
        if name in rest and inner in data and rest[name] == raw.get(inner)
    }


def _assets(data: dict[str, Any], *, embedded: bool) -> None:
    """Leaves out files that are not there, and names the icon where it lies in the file."""
    listed = data.get("assets")
    held = [a for a in listed if not is_embedded(a)] if isinstance(listed, list) else []
    if embedded:
        uri = f"embeded://{ICON}"
        held.insert(0, {"type": "icon", "uri": uri, "name": "main", "ext": "png"})
    if embedded or isinstance(listed, list):
        data["assets"] = held


def _no_card() -> Exception:
    return unknown("文件里没有认得的人物卡；能读 V1、V2、V3 的 JSON、PNG 和 CHARX。")
