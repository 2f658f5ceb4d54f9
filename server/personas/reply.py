"""The text of an answer as it comes: without the label some models begin with, and ended at a
sentence once it is long enough.
"""

from server.writing.length import LengthGate

COLONS = "：:"


class Reply:
    """`begun` is what stood before, where an answer is gone on with."""

    def __init__(self, char: str, length: int, begun: str = "") -> None:
        self.text = begun
        self._gate = LengthGate(length, new_line=not begun or begun.endswith("\n"))
        self._labels = () if begun else tuple(char + colon for colon in COLONS)
        self._held: str | None = None if begun else ""

    @property
    def full(self) -> bool:
        return self._gate.full

    def take(self, text: str) -> str:
        """The part that the reader gets now."""
        if self._held is not None:
            text = self._unlabelled(text)
        return self._told(text)

    def rest(self) -> str:
        """What was held back when the model had no more to say."""
        held, self._held = self._held or "", None
        return self._told(held)

    def _unlabelled(self, text: str) -> str:
        held = (self._held or "") + text
        start = held.lstrip()
        if not start or any(label != start and label.startswith(start) for label in self._labels):
            self._held = held
            return ""
        self._held = None
        label = next((label for label in self._labels if start.startswith(label)), "")
        return start.removeprefix(label)

    def _told(self, text: str) -> str:
        told = self._gate.take(text) if text else ""
        self.text += told
        return told


def stops(char: str, user: str) -> tuple[str, ...]:
    """Where a model begins to speak for somebody else; no more than every engine takes."""
    return tuple(dict.fromkeys(f"\n{name}{colon}" for colon in COLONS for name in (user, char)))[:4]
