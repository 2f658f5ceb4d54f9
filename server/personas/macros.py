"""The macros of character cards: names put in by plain replacement. A card is data: whatever else
stands in braces stays as it is.
"""

import re

_MACRO = re.compile(r"\{\{\s*(char|user)\s*\}\}|<(bot|char|user)>", re.IGNORECASE)


def fill(text: str, char: str, user: str) -> str:
    """The text with the names in place of `{{char}}`, `{{user}}`, `<BOT>`, `<USER>`; in one go,
    so that a name which looks like a macro is put in as it is."""

    def named(found: re.Match[str]) -> str:
        return user if (found[1] or found[2]).lower() == "user" else char

    return _MACRO.sub(named, text)
