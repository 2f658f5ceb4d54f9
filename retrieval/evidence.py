"""What speaks for a passage, and for a chapter: the features that `rank` weighs.

Words (BM25 of characters and of pairs apart, coverage, the densest stretch of a passage),
meaning (cosines with the query and with each of its clauses), names (whoever the query
names, by every name they have), and what stands around: the neighbours and the chapter. A
query of several clauses tells things in order, so its first is looked for early in a chapter
and its last late. Every feature is standardised over one query's candidates, so weights do
not depend on a query's length or an index's size.

Knows nothing of weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from retrieval.counts import Counts, Floats
from retrieval.expand import Asked
from retrieval.pooling import Chapters, single, standardised
from retrieval.postings import K1, B
from retrieval.product import product
from retrieval.recount import Recount
from retrieval.tokens import Ints

_MEANING = 0.7
"""Standardised cosines beside standardised BM25 where the two are summed before pooling."""
_ORDER, _STRICT_ORDER = 3.0, 6.0
"""What a clause's due place in a chapter is worth, in standard deviations of its scores."""
_NEAR = 0.5
"""How much a neighbour adds to a passage."""
_CHAPTER_K1 = 10.0
"""A chapter says a word many times before it has said it enough."""
_BIN = 70
"""Half a stretch of a passage, characters."""

PASSAGE_FEATURES = (
    "characters", "pairs", "covered_characters", "covered_pairs", "stretch", "meaning",
    "clauses_meaning", "weakest_clause", "clauses_near", "names", "near_words", "near_meaning",
    "chapter_characters", "chapter_pairs", "chapter_names", "chapter_best_names",
    "chapter_story", "chapter_meaning",
)  # fmt: skip
CHAPTER_FEATURES = (
    "best_characters", "best_pairs", "clause_words", "clause_meaning", "clause_best_meaning",
    "weakest_clause", "story", "order", "turn", "stretches", "best_stretches", "characters", "pairs",
    "few_pairs", "meaning", "names", "best_names", "three_names",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scene:
    """One query and the rows that may answer it: whole chapters, as far as they are visible."""

    asked: Asked
    counts: Counts
    """r rows, in story order, t tokens."""
    chapter: Ints
    """[r]: a number for each row, equal within a chapter."""
    cosines: Floats
    """[1 + c, r]: with the whole query, then with each of its clauses."""


class Evidence:
    """Features of one scene. What several of them need is worked out once."""

    def __init__(self, scene: Scene) -> None:
        self._asked, self._counts = scene.asked, scene.counts
        self.chapters = Chapters(scene.chapter)
        self._cosines, self._meanings = scene.cosines[:1], scene.cosines[1:]
        counts = scene.counts.counts
        self._worth = single(counts / (counts + scene.counts.norm[:, None]))
        self._weights = single(scene.asked.times * scene.counts.idf)
        pairs = scene.asked.pairs
        by_kind = np.stack([self._weights * ~pairs, self._weights * pairs])
        self._words = single(product(by_kind, self._worth))
        """[2, r]: BM25 of characters, and of pairs."""
        clauses = scene.asked.clause_times * scene.counts.idf
        self._clauses = single(product(clauses, self._worth))
        """[c, r]."""

    def passages(self, places: Ints, texts: Sequence[str]) -> Floats:
        """[len(places), len(PASSAGE_FEATURES)] of these of the scene's rows, rising, whose
        texts are given, standardised over them."""
        groups, here = self.chapters, self.chapters.of[places]
        words = self._words.sum(axis=0, keepdims=True)
        clauses_near = np.maximum(self._clauses, groups.beside(self._clauses)).sum(axis=0)
        columns = [
            *self._words[:, places],
            *self._covered(places),
            self._densest(texts),
            self._cosines[0, places],
            self._meanings[:, places].sum(axis=0),
            self._clauses[:, places].min(axis=0),
            clauses_near[places],
            self.names[places],
            groups.beside(words)[0, places],
            groups.beside(self._cosines)[0, places],
            *self._chapter_words(_CHAPTER_K1)[:, here],
            np.log1p(groups.sum(self.names))[here],
            groups.highest(self.names[None])[0, here],
            self._story[here],
            groups.best(self._cosines)[0, here],
        ]
        return standardised(np.stack(columns)).T

    def of_chapters(self) -> Floats:
        """[m, len(CHAPTER_FEATURES)], standardised over the scene's chapters."""
        groups, people = self.chapters, self.names[None]
        stretches = product(self._asked.stretch_times * self._counts.idf, self._worth)
        columns = [
            *groups.best(self._words),
            groups.best(self._clauses).sum(axis=0),
            groups.best(self._meanings).sum(axis=0),
            groups.highest(self._meanings).sum(axis=0),
            groups.highest(self._clauses).min(axis=0),
            self._story,
            groups.in_order(self._told, _STRICT_ORDER),
            groups.in_turn(self._near),
            groups.highest(stretches).sum(axis=0),
            groups.best(stretches).sum(axis=0),
            *self._chapter_words(_CHAPTER_K1),
            self._chapter_words(K1)[1],
            groups.best(self._cosines)[0],
            np.log1p(groups.sum(self.names)),
            groups.highest(people)[0],
            groups.best(people)[0],
        ]
        return standardised(np.stack(columns)).T

    @cached_property
    def names(self) -> Floats:
        """BM25 of the people named, each of whose names counts for the same person; [r]."""
        made = np.zeros(len(self._worth), dtype=np.float32)
        for names in self._asked.people:
            times = np.zeros_like(made)
            for name in names:
                # A name of three characters stands where both of its pairs do.
                times += self._counts.counts[:, name].min(axis=1)
            rarity = min(float(self._counts.idf[name].max()) for name in names)
            made += rarity * times / (times + K1)
        return made

    @cached_property
    def _told(self) -> Floats:
        """Each clause by its words and its meaning together, [c, r]."""
        return single(standardised(self._clauses) + _MEANING * standardised(self._meanings))

    @cached_property
    def _near(self) -> Floats:
        """The same with a passage's neighbours helping it, [c, r]."""
        return self.chapters.with_neighbours(self._told, _NEAR)

    @cached_property
    def _story(self) -> Floats:
        """The clauses, each near the place where its turn is, [m]."""
        return self.chapters.in_order(self._near, _ORDER)

    def _covered(self, places: Ints) -> Floats:
        """The share of the query's rarity that a passage has, by characters and by pairs."""
        there = self._counts.counts[places] > 0
        rarity = self._counts.idf * (self._asked.times > 0)
        kinds = np.stack([rarity * ~self._asked.pairs, rarity * self._asked.pairs])
        return single((kinds @ there.T) / np.maximum(kinds.sum(axis=1, keepdims=True), 1e-6))

    def _densest(self, texts: Sequence[str]) -> Floats:
        """BM25 of the best stretch of 2 × _BIN characters of each text."""
        asked = np.flatnonzero(self._weights)
        found = Recount(self._asked.tokens[asked]).find(texts)
        bins = 1 + max((len(one) for one in texts), default=0) // _BIN
        shape = len(texts), bins, len(asked)
        flat = (found.text * bins + found.offset // _BIN) * len(asked) + found.token
        counts = np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)
        if bins > 1:
            counts = counts[:, 1:] + counts[:, :-1]
        worth = single(counts / (counts + K1)) @ self._weights[asked]
        return single(worth.max(axis=1, initial=0.0))

    def _chapter_words(self, k1: float) -> Floats:
        """BM25 with the chapter as the document, by characters and by pairs, [2, m]."""
        groups, asked = self.chapters, self._asked
        counts = np.add.reduceat(self._counts.counts, groups.starts, axis=0)
        m, found = len(counts), (counts > 0).sum(axis=0)
        rarity = np.where(found > 0, np.log1p((m - found + 0.5) / (found + 0.5)), 0.0)
        length = groups.sum(self._counts.norm / K1 - (1 - B)) / B
        norm = k1 * (1 - B + B * length / max(float(length.mean()), 1e-6))
        worth = counts / (counts + norm[:, None])
        weights = rarity * asked.times
        return single(product(np.stack([weights * ~asked.pairs, weights * asked.pairs]), worth))
