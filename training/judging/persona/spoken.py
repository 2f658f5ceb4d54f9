"""What of an answer is said: measures compare words, not how a writer marks gestures."""

import re

_ASIDE = re.compile(r"[（(][^（）()]*[）)]?")
COLONS = "：:"


def spoken(text: str) -> str:
    """Without what stands in brackets, an unclosed one to the end of its row."""
    rows = (_ASIDE.sub("", row).strip() for row in text.split("\n"))
    return "\n".join(row for row in rows if row)


def ended(text: str, char: str, user: str) -> str:
    """As the desk hands an answer out: without the label that some models begin with, up to
    where the model begins to speak for somebody."""
    for colon in COLONS:
        text = text.lstrip().removeprefix(char + colon)
    stops = [at for name in (char, user) for colon in COLONS
             if (at := text.find(f"\n{name}{colon}")) >= 0]  # fmt: skip
    return text[: min(stops)].strip() if stops else text.strip()
