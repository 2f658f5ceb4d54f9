"""Trains the distilled rows so that what belongs together in a story lies together.

Three kinds of batches, each drawn from one book so that its wrong answers share names and style
with the right one: a chapter's couplet among all chapters, a sentence among passages it was taken
out of, a modern sentence among classical ones. A text is a weighted bag of rows, so the trained
table is again a plain static embedding.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import scipy.sparse as sp  # type: ignore[import-untyped]
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor
from torch.nn import functional

from training.embedder.corpus import Chapter, Pair, passages_of, sentences_of
from training.embedder.vocabulary import Vocabulary

Table = NDArray[np.float32]
Book = TypeVar("Book")
SHARPNESS = 20.0


@dataclass(frozen=True)
class Settings:
    """How long and how strongly to train.

    `character_share` is how much of its characters' vectors every word carries, so that words
    never met in training learn through them; `forget` is the part of every text left out each
    time, without which the couplets are soon known by heart.
    """

    steps: int = 900
    rate: float = 3e-3
    forget: float = 0.4
    character_share: float = 0.5
    batch: int = 256
    longest_book: int = 6000
    seed: int = 7


@dataclass(frozen=True)
class CoupletBook:
    """One book: couplets, all passages, and each passage's chapter."""

    couplets: sp.csr_matrix
    passages: sp.csr_matrix
    chapter_of: Tensor


@dataclass(frozen=True)
class PairBook:
    """One book: row i of both sides belongs together."""

    left: sp.csr_matrix
    right: sp.csr_matrix


def composition(vocabulary: Vocabulary, share: float) -> sp.csr_matrix:
    """Square matrix that adds to each word's row its characters' rows, `share` of them.

    Its first row is empty, which keeps punctuation silent in training and in the model.
    """
    row_of = {row: i for i, row in enumerate(vocabulary.rows)}
    size = len(vocabulary.rows)
    words = [(i, row) for i, row in enumerate(vocabulary.rows) if len(row) > 1 and row[0] != "<"]
    places = [(i, row_of[c]) for i, word in words for c in word if c in row_of]
    rows, columns = np.array(places or np.empty((0, 2), int)).T
    parts = sp.csr_matrix((np.full(len(places), share), (rows, columns)), shape=(size, size))
    voiced = sp.diags([0.0, *[1.0] * (size - 1)])
    whole = sp.csr_matrix(voiced + parts, dtype=np.float32)
    whole.eliminate_zeros()
    return whole


class Bags:
    """Turns texts into sparse counts of rows, characters' shares included."""

    def __init__(self, vocabulary: Vocabulary, share: float) -> None:
        self.tokenizer = vocabulary.tokenizer()
        self.row_of_piece = np.asarray(vocabulary.row_of_piece)
        self.composition = composition(vocabulary, share)

    def __call__(self, texts: Sequence[str]) -> sp.csr_matrix:
        encoded = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        ids = [self.row_of_piece[encoding.ids] for encoding in encoded]
        ends = np.cumsum([0, *map(len, ids)])
        rows = np.concatenate([*ids, np.empty(0, int)]).astype(np.int64)
        shape = (len(ids), self.composition.shape[0])
        counts = sp.csr_matrix((np.ones(len(rows), np.float32), rows, ends), shape=shape)
        return sp.csr_matrix(counts @ self.composition)


def couplet_book(chapters: Sequence[Chapter], bags: Bags) -> CoupletBook:
    """Couplets and passages of one chapter novel."""
    passages = [p for chapter in chapters for p in chapter.passages]
    chapter_of = [i for i, chapter in enumerate(chapters) for _ in chapter.passages]
    couplets = bags([chapter.title for chapter in chapters])
    return CoupletBook(couplets, bags(passages), torch.tensor(chapter_of))


def cloze_book(passages: Sequence[str], bags: Bags, rng: np.random.Generator) -> PairBook:
    """One sentence of each passage, and the passage without it."""
    left, right = [], []
    for passage in passages:
        sentences = [s for s in sentences_of(passage) if 10 <= len(s) <= 80]
        if len(sentences) > 1:
            sentence = sentences[rng.integers(len(sentences))]
            left.append(sentence)
            right.append(passage.replace(sentence, ""))
    return PairBook(bags(left), bags(right))


def translation_book(pairs: Sequence[Pair], bags: Bags) -> PairBook:
    """Modern sentences and the classical ones they translate."""
    return PairBook(bags([p.modern for p in pairs]), bags([p.classical for p in pairs]))


def embed(table: Tensor, bag: sp.csr_matrix, forget: float = 0.0) -> Tensor:
    """Unit vectors of some texts, a random part of each forgotten."""
    ids, ends = torch.from_numpy(bag.indices).long(), torch.from_numpy(bag.indptr).long()
    weights = functional.dropout(torch.from_numpy(bag.data), forget)
    summed = functional.embedding_bag(
        ids, table, ends, mode="sum", per_sample_weights=weights, include_last_offset=True
    )
    return functional.normalize(summed, dim=-1)


def couplet_loss(table: Tensor, book: CoupletBook, forget: float) -> Tensor:
    """Cross-entropy over chapters, a chapter scoring as the soft maximum of its passages."""
    asked, read = embed(table, book.couplets, forget), embed(table, book.passages, forget)
    scores = SHARPNESS * asked @ read.T
    chapters = book.couplets.shape[0]
    shifted = (scores - scores.detach().amax(dim=1, keepdim=True)).exp()
    sums = torch.zeros(chapters, chapters).index_add(1, book.chapter_of, shifted)
    return functional.cross_entropy((sums + 1e-9).log(), torch.arange(chapters))


def pair_loss(table: Tensor, book: PairBook, chosen: NDArray[np.int64], forget: float) -> Tensor:
    """Cross-entropy in both directions, the other pairs of the batch being the wrong answers."""
    left, right = (embed(table, side[chosen], forget) for side in (book.left, book.right))
    scores, same = SHARPNESS * left @ right.T, torch.arange(len(chosen))
    return (functional.cross_entropy(scores, same) + functional.cross_entropy(scores.T, same)) / 2


@dataclass(frozen=True)
class Lessons:
    """Everything there is to learn from."""

    couplets: list[CoupletBook]
    clozes: list[PairBook]
    translations: list[PairBook]

    def losses(self, table: Tensor, settings: Settings) -> Iterator[Tensor]:
        """Endless batches, the three kinds in turn; longer books come more often."""
        rng = np.random.default_rng(settings.seed)
        while True:
            drawn = _drawn(self.couplets, [1.0] * len(self.couplets), rng)
            yield couplet_loss(table, drawn, settings.forget)
            for books in (self.clozes, self.translations):
                book = _drawn(books, [b.left.shape[0] for b in books], rng)
                size = min(settings.batch, book.left.shape[0])
                chosen = rng.choice(book.left.shape[0], size, replace=False)
                yield pair_loss(table, book, chosen, settings.forget)


def prepare(
    vernacular: dict[str, list[Chapter]],
    novels: dict[str, list[Chapter]],
    pairs: dict[str, list[Pair]],
    bags: Bags,
    settings: Settings,
) -> Lessons:
    """Counts every text once, before training. Of a very long parallel book, a part is enough."""
    rng = np.random.default_rng(settings.seed)
    some = [_part(book, settings.longest_book, rng) for book in pairs.values()]
    some = [book for book in some if len(book) >= settings.batch]
    modern = [passages_of("".join(pair.modern for pair in book)) for book in some]
    prose = [
        [p for chapter in chapters for p in chapter.passages]
        for chapters in (vernacular | novels).values()
    ]
    return Lessons(
        [couplet_book(chapters, bags) for chapters in vernacular.values()],
        [cloze_book(passages, bags, rng) for passages in [*prose, *modern]],
        [translation_book(book, bags) for book in some],
    )


def _part(book: list[Pair], longest: int, rng: np.random.Generator) -> list[Pair]:
    start = rng.integers(max(len(book) - longest, 0) + 1)
    return book[start : start + longest]


def _drawn(books: list[Book], weights: Sequence[float], rng: np.random.Generator) -> Book:
    share = np.asarray(weights, float)
    return books[rng.choice(len(books), p=share / share.sum())]


def train(start: Table, lessons: Lessons, settings: Settings) -> Table:
    """The table after `steps` batches of Adam with a cosine-shaped rate."""
    torch.manual_seed(settings.seed)
    torch.set_num_threads(1)  # sums in one order, so that the same texts give the same table
    table = torch.tensor(start, requires_grad=True)
    optimiser = torch.optim.Adam([table], lr=settings.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.steps)
    losses = lessons.losses(table, settings)
    for _ in track(range(settings.steps), description="contrast"):
        optimiser.zero_grad()
        next(losses).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    trained: Table = table.detach().numpy()
    return trained


def fold(table: Table, mixing: sp.csr_matrix) -> Table:
    """Words' rows with their characters' shares added: what the model adds up."""
    folded: Table = (mixing @ table).astype(np.float32)
    return folded
