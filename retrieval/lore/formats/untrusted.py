"""JSON whose maker is not trusted: read as data, cleaned of what no database takes."""

import json
from typing import Any

DEEPEST = 50


def parse_json(data: bytes) -> Any:
    """The value, NaN and the infinities as null. Raises ValueError where it is no JSON in UTF-8,
    or is nested more than DEEPEST deep."""
    try:
        return _clean(json.loads(data.decode("utf-8-sig"), parse_constant=lambda _: None))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _clean(value: Any, deep: int = 0) -> Any:
    """Without NUL, half characters, objects in objects without end."""
    if deep > DEEPEST:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        return value.replace("\0", "").encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_clean(k): _clean(v, deep + 1) for k, v in value.items()}
    return [_clean(v, deep + 1) for v in value] if isinstance(value, list) else value
