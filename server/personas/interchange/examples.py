"""The sample dialogue of a card (`mes_example`) against the lines that its person says."""

import re
from collections.abc import Sequence

MOST_LINES = 100
LONGEST_LINE = 2000
_THEIRS = {"{{char}}", "<bot>", "<char>"}
_OTHERS = {"{{user}}", "<user>"}
_LABEL = re.compile(r"^\s*([^:：\n]{1,100}?)\s*[:：]\s*")
_START = re.compile(r"^\s*<START>\s*$", re.IGNORECASE)


def read_examples(text: str, name: str) -> list[str]:
    """What the card's person says there, a line each; where nobody is named, every line."""
    theirs = _THEIRS | {name.lower()}
    labelled = any(_speaker(line, theirs)[0] for line in text.splitlines())
    said, mine = [], not labelled
    for line in text.splitlines():
        if _START.match(line):
            mine = not labelled
            continue
        who, rest = _speaker(line, theirs)
        mine = mine if who is None else who == "char"
        if mine and rest.strip():
            said.append(rest.strip()[:LONGEST_LINE])
    return said[:MOST_LINES]


def write_examples(lines: Sequence[str]) -> str:
    return "\n".join(f"<START>\n{{{{char}}}}: {line}" for line in lines)


def _speaker(line: str, theirs: set[str]) -> tuple[str | None, str]:
    """(`char`, `user`, or None for a line that says nobody, the line without the label)."""
    found = _LABEL.match(line)
    label = found[1].lower() if found else ""
    if found and label in theirs:
        return "char", line[found.end() :]
    if found and label in _OTHERS:
        return "user", line[found.end() :]
    return None, line
