"""What the desk would tell of the chapters before: recaps of a book from its own sentences."""

from collections.abc import Sequence

from retrieval.memory.extract import VERSION, extract
from retrieval.memory.fresh import EXTRACTIVE, Recap, Status, digest, source_hash, sources_of
from retrieval.memory.items import recap_items
from retrieval.memory.plan import Chapter, Key, Level, plan_recaps
from retrieval.timeline import View
from retrieval.types import ChapterText, ContextItem


class BookRecaps:
    """Of every chapter with text, every part and the book up to each part; made at once."""

    def __init__(self, chapters: Sequence[ChapterText], volumes: Sequence[str | None]) -> None:
        """`volumes` has the name of each chapter's volume."""
        told = [
            Chapter(
                one.id, one.order, one.title, digest(one.text), volume, volume or "", len(one.text)
            )
            for one, volume in zip(chapters, volumes, strict=True)
            if one.text.strip()
        ]
        self._plan = plan_recaps(told)
        self._recaps: dict[Key, Recap] = {}
        texts = {one.id: one.text for one in chapters}
        for key, node in self._plan.nodes.items():
            read = [self._recaps[each].text for each in node.reads]
            if key.level is Level.CHAPTER:
                read = [texts[key.target]]
            text = extract(key.level, read, self._plan.parts_in(node))
            sources = sources_of(self._plan, node, self._recaps, EXTRACTIVE)
            made = source_hash(key.level, VERSION, sources)
            self._recaps[key] = Recap(key, text, EXTRACTIVE, VERSION, made, sources)
        self._found = dict.fromkeys(self._recaps, Status.FRESH)

    def items(self, view: View) -> list[ContextItem]:
        """Of what is past at `view`, in the order of the story."""
        return recap_items(self._plan, self._recaps, view, self._found)
