"""Blocks to scenes: what stands between two headings, and which scene goes on with which."""

from collections.abc import Iterable

from training.scripts.structure import Block, Heading, Scene


def scenes_of(blocks: Iterable[Block]) -> tuple[Scene, ...]:
    """The scenes in order; headings with nothing below them make none.

    `第203幕（续）` continues the scene of that name before it, and what stands below a row of
    stars continues what stands above it: each is a scene of its own all the same, since what is
    said in one does not answer what was said in the other.
    """
    making = _Making()
    for block in blocks:
        if block.kind == "header":
            making.head(block.headings)
        elif block.kind != "blank":
            making.held.append(block)
    making.close()
    return tuple(making.scenes)


class _Making:
    def __init__(self) -> None:
        self.scenes: list[Scene] = []
        self.held: list[Block] = []
        self._path: tuple[Heading, ...] = ()
        self._roots: dict[tuple[int, str, int | None], int] = {}
        self._after_break = False

    def head(self, headings: tuple[Heading, ...]) -> None:
        self.close()
        self._after_break = not headings[-1].label and bool(self.scenes)
        if headings[-1].label:
            outer = [each for each in self._path if each.level < headings[0].level]
            self._path = (*outer, *headings)

    def close(self) -> None:
        """End the scene at hand, if anything is in it."""
        if self.held:
            scene = Scene(len(self.scenes), self._path, tuple(self.held), self._root())
            self.scenes.append(scene)
            self.held, self._after_break = [], False

    def _root(self) -> int:
        index = len(self.scenes)
        if self._after_break:
            return self.scenes[-1].continues
        last = self._path[-1] if self._path else None
        if last is None or last.number is None:
            return index
        root = self._roots.get(last.identity, index) if last.continued else index
        self._roots[last.identity] = root
        return root
