"""The memory that the recalling sides ask: the training books, found as the desk finds them.

What a person wrote in the very place that is judged must not come back: passages that share a
long run of words with the reference are left out, and counted.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from retrieval.embed import PassageEmbeddings
from retrieval.library import Library
from retrieval.measures import Copies
from retrieval.measures.copied import LEAST
from retrieval.readers import read_book
from retrieval.static_model import LightEmbeddings
from retrieval.stores import FileStore
from retrieval.types import ChapterText, Found
from training.context import PASSAGES, QUERY_TAIL
from training.data.items import texts
from training.judging.cases import Case
from training.types import Item, Progress, Text

EMBEDDER = Path(__file__).resolve().parents[2] / "data" / "models" / "yanchi-embed-zh"
_WORK = "judged"


class Recall:
    """An index of chapters in `folder`; `kept_out` counts passages that gave an answer away."""

    def __init__(
        self,
        folder: Path,
        chapters: Sequence[ChapterText],
        embeddings: PassageEmbeddings | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._library = Library(FileStore(folder), embeddings or LightEmbeddings(EMBEDDER))
        self._library.sync(_WORK, chapters, progress)
        self.kept_out = 0

    def find(self, case: Case) -> list[Found]:
        """Best first. Raises as `Library.recall`."""
        query = case.asked[-QUERY_TAIL:]
        found = self._library.recall(
            _WORK, query, PASSAGES, exclude_text=case.before, join=bool(case.before)
        )
        answer = Copies([case.reference])
        fair = [one for one in found if answer.copied(one.passage.text).longest < LEAST]
        self.kept_out += len(found) - len(fair)
        return fair


def chapters_of_books(books: Iterable[Path]) -> list[ChapterText]:
    """Of files in any format that the desk reads. Raises ReadError, OSError."""
    found: list[ChapterText] = []
    for path in books:
        book = read_book(path.read_bytes(), path.name)
        for chapter in book.chapters:
            number = len(found)
            found.append(ChapterText(str(number), number, chapter.title, chapter.text))
    return found


def chapters_of_items(items: Iterable[Item]) -> list[ChapterText]:
    """What was trained on, where the books themselves are not at hand: a chapter a source."""
    written: dict[str, list[str]] = {}
    for item in items:
        title = item.origin.work or item.origin.source
        written.setdefault(title, []).append(_as_prose(item))
    return [
        ChapterText(str(number), number, title, "\n\n".join(parts))
        for number, (title, parts) in enumerate(written.items())
    ]


def _as_prose(item: Item) -> str:
    if isinstance(item, Text):
        return item.text
    return "\n".join(
        text for role, text, _ in texts(item) if role in ("user", "assistant", "chosen")
    )
