"""Texts in pieces that a tokenizer counts one by one as it would count them together.

A prompt is counted several times until it fits, and from one request to the next most of its
sentences are the same. Where no token crosses their edges they can be counted apart and
remembered. Knows no tokenizer by name: only what its own file says of how it cuts text.
"""

import json
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

_WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
_ENDS = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_SHORT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
CUTS = frozenset(rf"{_SHORT}|{_WORDS}|\p{{N}}{few}|{_ENDS}" for few in ("", "{1,3}"))
"""How Qwen and Llama 3 cut a text before they make tokens. Two kinds of edges hold whatever stands
on their other side:

- A line feed that no other follows, blanks between them or not: none of the alternatives goes on
  behind a line feed but with blanks that hold another, and a run of blanks ends with its last
  line feed (`\\s*[\\r\\n]+` is tried before `\\s+`).
- A letter before a full stop: what ends with letters takes all of them and nothing else.
"""

_EDGE = re.compile(r"[\n。！？](?:(?<=\n)(?!\s*[\r\n])|(?<=[一-龥][。！？]))")
"""The mark itself comes first, so that the search skips to it."""


def pieces(text: str) -> list[str]:
    """The text cut at such edges, so at most of its sentences; joined they are the text."""
    marks = [m.start() for m in _EDGE.finditer(text)]
    edges = [0, *(at + (text[at] == "\n") for at in marks), len(text)]
    return [text[start:end] for start, end in pairwise(edges) if start < end]


def counts_by_pieces(tokenizer: str) -> bool:
    """Whether no token crosses the edges of `pieces`, for a tokenizer as its JSON tells it.

    NFC composes nothing with a line feed or a full stop. Tokens that are looked for in the raw
    text must hold neither and ask for nothing beside them.
    """
    told: dict[str, Any] = json.loads(tokenizer)
    normalizer = told.get("normalizer") or {"type": "NFC"}
    return (
        normalizer == {"type": "NFC"}
        and (told.get("model") or {}).get("type") == "BPE"
        and _cut(told.get("pre_tokenizer") or {})
        and not any(_beside(token) for token in told.get("added_tokens", ()))
    )


def _cut(pre: Mapping[str, Any]) -> bool:
    parts = pre.get("pretokenizers", ())
    if pre.get("type") != "Sequence" or [p["type"] for p in parts] != ["Split", "ByteLevel"]:
        return False
    split, bytes_ = parts
    return (
        split["pattern"].get("Regex") in CUTS
        and split["behavior"] == "Isolated"
        and not split["invert"]
        and not bytes_["add_prefix_space"]
        and not bytes_["use_regex"]
    )


def _beside(token: Mapping[str, Any]) -> bool:
    asks = any(token[k] for k in ("lstrip", "rstrip", "single_word"))
    return asks or any(mark in token["content"] for mark in "\n。！？")
