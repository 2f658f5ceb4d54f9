"""What the blank lines of a plain text say of the lines between them."""

from collections import Counter
from collections.abc import Sequence

TIGHT = 0.3
"""Share of blank-separated neighbours under which blank lines are marks, not spacing."""


class Layout:
    """How blank lines are used: as spacing between all paragraphs, or as marks of a few."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.filled = [i for i, line in enumerate(lines) if line.strip()]
        self.place = {line: k for k, line in enumerate(self.filled)}
        steps = zip(self.filled, self.filled[1:], strict=False)
        self.gaps = [after - before - 1 for before, after in steps]
        wide = sum(gap > 0 for gap in self.gaps)
        self.tight = wide <= TIGHT * len(self.gaps)
        self.usual = 0 if self.tight else Counter(self.gaps).most_common(1)[0][0]

    def before(self, line: int) -> bool:
        """Whether more than the usual blank lines (or nothing at all) come before."""
        place = self.place[line]
        return place == 0 or self.gaps[place - 1] > self.usual

    def apart(self, line: int) -> bool:
        """Whether the line stands apart from both neighbours."""
        place = self.place[line]
        if place == len(self.gaps) or not self.before(line):
            return False
        return self.gaps[place] >= max(1, self.usual)

    def marks(self) -> int:
        return sum(gap > self.usual for gap in self.gaps)

    def marks_at(self, line: int) -> int:
        place = self.place[line]
        return sum(gap > self.usual for gap in self.gaps[max(0, place - 1) : place + 1])
