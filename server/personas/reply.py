"""The text of an answer as it comes: without the label some models begin with, ended where
somebody else begins to speak, and at a sentence once it is long enough.
"""

from collections.abc import Sequence

from server.writing.length import LengthGate

COLONS = "：:"


class Reply:
    """`begun` is what stood before, where an answer is gone on with; `others`: who else speaks
    in the conversation."""

    def __init__(self, char: str, length: int, begun: str = "", others: Sequence[str] = ()) -> None:
        new_line = not begun or begun.endswith("\n")
        self.text = begun
        self._gate = LengthGate(length, new_line=new_line)
        self._labels = () if begun else tuple(char + colon for colon in COLONS)
        self._held: str | None = None if begun else ""
        self._marks = _marks(others)
        # A line that may yet be somebody else's; a new line's break is dropped by the gate.
        self._line = "\n" if new_line else ""
        self._over = False

    @property
    def ended(self) -> str | None:
        """Why no more of it is wanted: `stop` or `length`; None while it is."""
        return "stop" if self._over else "length" if self._gate.full else None

    def take(self, text: str) -> str:
        """The part that the reader gets now."""
        if self._held is not None:
            text = self._unlabelled(text)
        return self._told(self._own(text))

    def rest(self) -> str:
        """What was held back when the model had no more to say."""
        held, self._held = self._held or "", None
        line, self._line = self._own(held) + self._line, ""
        return self._told(line)

    def _unlabelled(self, text: str) -> str:
        held = (self._held or "") + text
        start = held.lstrip()
        if not start or any(label != start and label.startswith(start) for label in self._labels):
            self._held = held
            return ""
        self._held = None
        label = next((label for label in self._labels if start.startswith(label)), "")
        return start.removeprefix(label)

    def _own(self, text: str) -> str:
        """Up to where another one's line begins."""
        if self._over or not text:
            return ""
        text, self._line = self._line + text, ""
        found = [at for mark in self._marks if (at := text.find(mark)) >= 0]
        if found:
            self._over = True
            return text[: min(found)]
        last = text.rfind("\n")
        if last >= 0 and any(mark.startswith(text[last:]) for mark in self._marks):
            text, self._line = text[:last], text[last:]
        return text

    def _told(self, text: str) -> str:
        told = self._gate.take(text) if text else ""
        self.text += told
        return told


def stops(char: str, *others: str) -> tuple[str, ...]:
    """Where a model begins to speak for somebody else; no more than every engine takes, so that
    `Reply` looks for all."""
    return tuple(dict.fromkeys(_marks((*others, char))))[:4]


def _marks(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"\n{name}{colon}" for colon in COLONS for name in names)
