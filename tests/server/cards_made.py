"""Cards, pictures and archives as other tools write them, made for tests."""

import io
import json
import struct
import zipfile
import zlib
from base64 import b64encode
from typing import Any

from PIL import Image

BOOK: dict[str, Any] = {
    "name": "渡口旧事",
    "scan_depth": 4,
    "token_budget": 300,
    "recursive_scanning": False,
    "extensions": {"foo": 1},
    "entries": [
        {
            "keys": ["罗嫂"], "content": "左腿短一截。", "enabled": True, "insertion_order": 5,
            "name": "罗嫂", "comment": "罗嫂", "id": 0, "use_regex": False, "selective": False,
            "secondary_keys": [], "constant": False, "position": "before_char", "priority": 10,
            "extensions": {"vectorized": True, "automation_id": "x"},
        }
    ],
}  # fmt: skip

V1: dict[str, Any] = {
    "name": "老周",
    "description": "{{char}}撑船三十年。",
    "personality": "话少。",
    "scenario": "雨夜，渡口。",
    "first_mes": "水大，不渡。",
    "mes_example": "<START>\n{{user}}: 多少钱？\n{{char}}: 平安不收钱。\n给酒就行。\n"
    "<START>\n{{char}}：上船。",
    "avatar": "none",
    "odd": {"kept": [1, None]},
}

V2: dict[str, Any] = {
    "name": "老周",
    "creatorcomment": "旧卡",
    "fav": False,
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": {
        **{k: V1[k] for k in list(V1)[:6]},
        "creator_notes": "旧卡",
        "system_prompt": "{{original}}只说方言。",
        "post_history_instructions": "别忘了雨。",
        "alternate_greetings": ["又来了？", "今日不渡。"],
        "tags": ["渡口", "老人"],
        "creator": "某人",
        "character_version": "1.2",
        "extensions": {"talkativeness": "0.5", "depth_prompt": {"prompt": "", "depth": 4}},
        "character_book": BOOK,
    },
}

V3: dict[str, Any] = {
    "spec": "chara_card_v3",
    "spec_version": "3.0",
    "data": {
        **V2["data"],
        "nickname": "周伯",
        "group_only_greetings": ["都来了？"],
        "source": ["https://example.invalid/card"],
        "creation_date": 1_700_000_000,
        "creator_notes_multilingual": {"en": "An old card."},
        "assets": [{"type": "icon", "uri": "https://example.invalid/a.png", "name": "main",
                    "ext": "png"}],
    },
}  # fmt: skip


def as_json(told: Any) -> bytes:
    return json.dumps(told, ensure_ascii=False).encode()


def picture(size: tuple[int, int] = (60, 90), color: str = "red") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, color).save(made, "PNG")
    return made.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(texts: dict[str, bytes], encoded: bool = True) -> bytes:
    """A picture with these texts, in base64 unless `encoded` is false."""
    plain = picture()
    added = b"".join(
        chunk(b"tEXt", name.encode() + b"\0" + (b64encode(text) if encoded else text))
        for name, text in texts.items()
    )
    return plain[:33] + added + plain[33:]


def charx(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return made.getvalue()
