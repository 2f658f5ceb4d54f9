"""Does anything come back that the place of writing must not see?

Random books, edits and places through the real Library: after every edit it is asked, from
random places, for words of the future, of the place itself, of what has just been deleted and
of the past. What may come back is judged character by character, from the definition of story
time alone and by none of the product's code.
"""

import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench import retrieval_sets as sets
from bench.peers.parts import shipped_model
from bench.report import Report
from bench.retrieval_quality import tell
from retrieval.library import Library
from retrieval.stores import FileStore
from retrieval.timeline import View
from retrieval.types import ChapterText, Found, Scene, StoryPosition

BOOKS = 24
EDITS = 8
PLACES = 12
CHAPTERS = 8
QUERY = 40
TAIL = 600


@dataclass
class Manuscript:
    """A work as its author has it now, and the last words deleted from it."""

    chapters: list[ChapterText]
    scenes: list[Scene] = field(default_factory=list)
    deleted: str = ""


@dataclass(frozen=True)
class Place:
    """Where is written, with the words that stand before it in the prompt."""

    view: View
    tail: str

    @property
    def position(self) -> StoryPosition:
        assert self.view.position is not None
        return self.view.position


def run(report: Report, seed: int = 0) -> None:
    chance = random.Random(seed)
    leaks = asked = returned = 0
    with tempfile.TemporaryDirectory() as folder:
        library = Library(FileStore(Path(folder)), shipped_model())
        for number in range(BOOKS):
            for one in _of_book(library, f"book-{number}", chance):
                asked += 1
                returned += len(one[1])
                leaks += sum(leaked(*one[0], found) for found in one[1])
            tell(f"leaks: book {number + 1} of {BOOKS}, {returned:,} passages, {leaks} leaks")
    note = f"{BOOKS} books, {EDITS} edits each, {asked:,} places, {returned:,} passages returned"
    report.add("leaks", leaks, "", note)


Judged = tuple[tuple[Manuscript, Place], list[Found]]


def _of_book(library: Library, work: str, chance: random.Random) -> Iterator[Judged]:
    book = _some_chapters(chance)
    for _ in range(EDITS):
        library.sync(work, book.chapters)
        for _ in range(PLACES):
            place = _place(book, chance)
            query = _query(book, place, chance)
            found = library.recall(work, query, 10, place.view, place.tail)
            yield (book, place), found
        book = edited(book, chance)


def leaked(book: Manuscript, place: Place, found: Found) -> bool:
    """Whether a returned passage is stale, stands in the prompt, or tells the future."""
    passage = found.passage
    now = next((c for c in book.chapters if c.id == passage.chapter_id), None)
    if now is None or now.text[passage.start : passage.end] != passage.text:
        return True
    here = place.position
    if passage.chapter != now.order:
        return True
    begins = here.offset - len(place.tail)
    if (
        now.order == here.chapter
        and passage.start < here.offset
        and passage.end > begins
        and place.tail
    ):
        return True
    return any(
        is_future(book.scenes, here, now.order, at) for at in range(passage.start, passage.end)
    )


def is_future(scenes: Sequence[Scene], here: StoryPosition, chapter: int, offset: int) -> bool:
    """Whether the character at an offset must not be seen from a place; scenes do not overlap.

    Told behind the place it is hidden, unless it is the backstory of a later chapter. Told
    before, it is hidden where it happens later, and where nobody knows when: but not in the
    very stretch that is being written.
    """
    told, now = _scene_at(scenes, chapter, offset), _scene_at(scenes, here.chapter, here.offset)
    behind = (chapter, offset) >= (here.chapter, here.offset)
    if behind and not (told and told.backstory and chapter > here.chapter):
        return True
    if told == now and chapter == here.chapter:
        return False
    if (told and told.when is None) or (now and now.when is None):
        return True
    over = (told.when, told.rank) if told else (chapter + 1, float("-inf"))
    begins = (now.when, now.rank) if now else (here.chapter, float("inf"))
    return bool(over > begins)


def _scene_at(scenes: Sequence[Scene], chapter: int, offset: int) -> Scene | None:
    return next(
        (s for s in scenes
         if s.chapter == chapter and s.start <= offset and (s.end is None or offset < s.end)),
        None,
    )  # fmt: skip


def edited(book: Manuscript, chance: random.Random) -> Manuscript:
    """The manuscript after one thing that authors do to theirs."""
    chapters = list(book.chapters)
    at = chance.randrange(len(chapters))
    chapter, deleted = chapters[at], ""
    match chance.choice(("insert", "delete", "rewrite", "move", "remove", "add", "repeat")):
        case "insert":
            other = chance.choice(chapters).text
            cut, take = chance.randrange(len(chapter.text) + 1), chance.randrange(len(other) + 1)
            chapters[at] = replace(
                chapter, text=chapter.text[:cut] + other[take : take + 500] + chapter.text[cut:]
            )
        case "delete":
            start = chance.randrange(len(chapter.text) + 1)
            end = start + chance.randrange(1, 1_500)
            deleted = chapter.text[start:end]
            chapters[at] = replace(chapter, text=chapter.text[:start] + chapter.text[end:])
        case "rewrite":
            deleted = chapter.text
            chapters[at] = replace(chapter, text=chapter.text[::-1])
        case "move":
            chapters.insert(chance.randrange(len(chapters)), chapters.pop(at))
        case "remove" if len(chapters) > 2:
            deleted = chapters.pop(at).text
        case "add":
            chapters.insert(at, ChapterText(f"new-{chance.random()}", 0, "", chapter.text[:2_000]))
        case _:
            chapters[at] = replace(chapter, text=chance.choice(chapters).text)
    ordered = [replace(c, order=n) for n, c in enumerate(chapters)]
    return Manuscript(ordered, scenes_of(ordered, chance), deleted or book.deleted)


def scenes_of(chapters: Sequence[ChapterText], chance: random.Random) -> list[Scene]:
    """In half of the books none; else a few scenes that do not overlap, told out of order."""
    if chance.random() < 0.5:
        return []
    chosen = chance.sample(range(len(chapters)), chance.randrange(1, min(4, len(chapters)) + 1))
    return [_scene(chapters[at], len(chapters), chance) for at in sorted(chosen)]


def _scene(chapter: ChapterText, count: int, chance: random.Random) -> Scene:
    start = chance.randrange(len(chapter.text) + 1)
    end = None if chance.random() < 0.3 else start + chance.randrange(1, 3_000)
    when = None if chance.random() < 0.1 else chance.uniform(-1, count + 1)
    return Scene(chapter.order, start, end, when, chance.random(), chance.random() < 0.4)


def _some_chapters(chance: random.Random) -> Manuscript:
    """Chapters in a row of one of the books, no more than make a short work."""
    read = sets.novel(chance.choice(sets.novels() or ["sample"]))
    first = chance.randrange(max(1, len(read) - CHAPTERS + 1))
    taken = read[first : first + CHAPTERS]
    chapters = [ChapterText(c.id, n, c.title, c.text[:8_000]) for n, c in enumerate(taken)]
    return Manuscript(chapters, scenes_of(chapters, chance))


def _place(book: Manuscript, chance: random.Random) -> Place:
    chapter = chance.choice(book.chapters)
    end = chance.randrange(len(chapter.text) + 1)
    tail = chapter.text[max(0, end - chance.choice((0, TAIL))) : end]
    return Place(View(StoryPosition(chapter.order, end), scenes=book.scenes), tail)


def _query(book: Manuscript, place: Place, chance: random.Random) -> str:
    """Mostly words that stand where they must not be found."""
    here = place.position
    later = [c.text for c in book.chapters if c.order > here.chapter]
    texts = [book.chapters[here.chapter].text[here.offset :], book.deleted, place.tail,
             *later, chance.choice(book.chapters).text]  # fmt: skip
    text = chance.choice([text for text in texts if text.strip()] or ["空"])
    start = chance.randrange(len(text))
    return text[start : start + QUERY] or text
