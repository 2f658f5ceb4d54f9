"""What was built, as files: the card for the desk, the scenes to look things up in.

card.json     a card as `data/personas/` holds them, with its lorebook
scenes.md     every scene of the role, a heading each
built.json    from what, by whom, how much
"""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from training.errors import BadInput
from training.persona_build.part import Line, Part
from training.persona_build.quoted import Draft, acquaintances, greetings

CARD, SCENES, BUILT = "card.json", "scenes.md", "built.json"
ALTERNATES = 2
LONGEST_LINE, LONGEST_GREETING, LONGEST_SUMMARY, LONGEST_NAME = 2000, 20_000, 500, 100
"""As the desk's API takes them."""
_NOT_ASCII = re.compile(r"[^a-z0-9]+")
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def slug_for(name: str, given: str = "") -> str:
    """The name for programs: as given, of Latin letters, or a number that stays the same.

    Raises BadInput for one that is not ASCII.
    """
    if given and not _SLUG.fullmatch(given):
        raise BadInput("只能有小写字母、数字和横线，比如 huanhuan。", field="slug")
    latin = _NOT_ASCII.sub("-", name.lower()).strip("-")[:48]
    return given or latin or f"persona-{sha256(name.encode()).hexdigest()[:6]}"


def card(
    part: Part, draft: Draft, voice: Sequence[Line], *, slug: str, made_by: str
) -> dict[str, Any]:
    """As `POST /api/personas` takes it, with `lore`."""
    first = draft.first_message[:LONGEST_GREETING]
    more = [text for text in greetings(part, voice, ALTERNATES + 1) if text != first]
    return {
        "slug": slug,
        "name": part.name[:LONGEST_NAME],
        "summary": draft.summary[:LONGEST_SUMMARY],
        "description": draft.description,
        "personality": draft.personality,
        "scenario": draft.scenario,
        "first_message": first,
        "alternates": [text[:LONGEST_GREETING] for text in more[:ALTERNATES]],
        "examples": [line.text[:LONGEST_LINE] for line in voice],
        "tags": ["剧本"],
        "notes": (
            f"由《{part.source}》的剧本做成：{len(part.scenes)} 场戏，{len(part.lines)} 句话。"
            f"人物卡由{made_by}起草，口吻是挑出来的原句。"
        ),
        "lore": [
            {"name": name, "keys": [name], "content": content}
            for name, content in acquaintances(part)
        ],
    }


def scenes_text(part: Part) -> str:
    """Markdown with a heading for each scene, for people and for the desk's search."""
    told = [f"# {part.name}的戏"]
    for scene in part.scenes:
        place = f"地点：{scene.place}\n" if scene.place else ""
        people = f"同场：{'、'.join(scene.people)}\n" if scene.people else ""
        told.append(
            f"## {scene.name} {scene.title}".rstrip() + f"\n\n{place}{people}\n{scene.text}"
        )
    return "\n\n".join(told) + "\n"


def write(
    folder: Path, part: Part, card: Mapping[str, Any], built: Mapping[str, Any], *, replace: bool
) -> None:
    """All of it or nothing. Raises BadInput where the folder is there and may not be replaced."""
    if folder.exists() and not replace:
        raise BadInput(f"{folder} 已经有了；要重做请加 --replace。")
    made = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    (made / CARD).write_text(_json(card), "utf-8")
    (made / SCENES).write_text(scenes_text(part), "utf-8")
    (made / BUILT).write_text(_json(built), "utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    made.replace(folder)


def _json(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"
