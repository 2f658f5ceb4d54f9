"""From a recipe's data sets to rows that can be computed, and a count of what was left out."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from training.data.store import DataSet, find, load
from training.errors import BadInput, BadRecipe
from training.publishing.lineage import DataUsed
from training.tuning.batches import Judged, Row
from training.tuning.config import Recipe
from training.tuning.masks import (
    Example,
    Pair,
    Refused,
    conversation,
    fit,
    pieces,
    preference,
)
from training.tuning.packing import pack
from training.tuning.template import ServedTemplate
from training.types import Chat, Item, Preference, Progress, Refusal, Text

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_Kind = TypeVar("_Kind", Chat, Text, Preference)

KIND_OF = {"pretrain": "text", "sft": "chat", "dpo": "preference", "kto": "preference"}


@dataclass(frozen=True, slots=True)
class Placed:
    """An item and where it stands; `weight` is how often an epoch sees it."""

    item: Item
    source: str
    row: int
    weight: float


@dataclass(slots=True)
class Prepared:
    train: list[Row] = field(default_factory=list)
    held_out: list[Row] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    cut: int = 0
    """Examples whose end was cut off, as the recipe wished."""
    data: tuple[DataUsed, ...] = ()


def prepare(
    recipe: Recipe,
    tokenizer: "PreTrainedTokenizerBase",
    stops: Sequence[int],
    data_dir: Path,
    progress: Progress | None = None,
) -> Prepared:
    """Raises BadRecipe: a data set of another kind than the method learns from; BadInput: one
    that is not there, or nothing left to learn; MissingBase: a base that cannot converse."""
    sets = [load(find(part.path, data_dir)) for part in recipe.data]
    for each in sets:
        _check_kind(recipe, each)
    train, held_out = split(recipe, sets, data_dir)
    told = Prepared(data=tuple(DataUsed(s.card.name, s.digest, len(s.train)) for s in sets))
    encode = _encoder(recipe, tokenizer, stops, told)
    chance = random.Random(recipe.seed)
    found = _encoded(train, encode, told, progress)
    drawn = _drawn(found, chance)
    if not drawn:
        first = f"第一处：{told.refusals[0].reason}" if told.refusals else "数据集是空的"
        raise BadInput(f"没有一条能学的数据。{first}")
    told.train = _rows(drawn, recipe, chance)
    told.held_out = _rows(
        [row for _, rows in _encoded(held_out, encode, told, None) for row in rows],
        recipe.model_copy(update={"packing": False}),
        chance,
    )
    return told


def _check_kind(recipe: Recipe, data: DataSet) -> None:
    wanted, kind = KIND_OF[recipe.method], data.card.kind
    if kind != wanted:
        fitting = "、".join(method for method, its in KIND_OF.items() if its == kind)
        raise BadRecipe(
            f"method：{recipe.method} 从 {wanted} 数据集学，“{data.card.name}”是 {kind}，"
            f"它可以用于 {fitting}。"
        )


# --- what is trained on, what is held out ------------------------------------------------


def split(
    recipe: Recipe, sets: Sequence[DataSet], data_dir: Path
) -> tuple[list[Placed], list[Placed]]:
    """(what is trained on, what is held out), as the recipe says; `sets` are those it names."""
    train = [
        placed
        for part, data in zip(recipe.data, sets, strict=True)
        for placed in _placed(
            data.train if part.split == "train" else data.held_out, data, part.weight
        )
    ]
    if isinstance(recipe.held_out, float):
        return _hold_out(train, recipe.held_out, recipe.seed)
    if isinstance(recipe.held_out, str):
        data = load(find(recipe.held_out, data_dir))
        _check_kind(recipe, data)
        return train, list(_placed(data.held_out or data.train, data, 1.0))
    own = [
        placed
        for part, data in zip(recipe.data, sets, strict=True)
        if part.split == "train"
        for placed in _placed(data.held_out, data, 1.0)
    ]
    return train, own


def _placed(items: Iterable[Item], data: DataSet, weight: float) -> Iterable[Placed]:
    for row, item in enumerate(items, 1):
        yield Placed(item, data.card.name, row, weight * item.weight)


def _hold_out(rows: Sequence[Placed], share: float, seed: int) -> tuple[list[Placed], list[Placed]]:
    """Whole books where there are several; else rows. At least one, never all."""
    books: dict[str, list[Placed]] = {}
    for placed in rows:
        book = placed.item.origin.work or f"{placed.source}/{placed.row}"
        books.setdefault(book, []).append(placed)
    groups = list(books.values()) if len(books) > 1 else [[placed] for placed in rows]
    random.Random(seed).shuffle(groups)
    room, held = max(1, round(share * len(rows))), list[Placed]()
    for group in groups:
        held += group if len(held) + len(group) <= room else []
    if not held and len(groups) > 1:
        held = min(groups, key=len)
    chosen = {id(placed) for placed in held}
    return [placed for placed in rows if id(placed) not in chosen], held


def _drawn(found: Iterable[tuple[Placed, list[Any]]], chance: random.Random) -> list[Any]:
    """Each row as often as its weight says: 0.25 is every fourth one, from a random first on."""
    drawn, owed = list[Any](), chance.random()
    for placed, rows in found:
        owed += placed.weight
        drawn += rows * int(owed)
        owed -= int(owed)
    return drawn


# --- items to rows -----------------------------------------------------------------------

Reader = Callable[[Item], list[Example] | Pair]
"""Raises `Refused`. What it makes may still be longer than the recipe allows."""
Encoder = Callable[[Item], list[Any]]


def reader(recipe: Recipe, tokenizer: "PreTrainedTokenizerBase", stops: Sequence[int]) -> Reader:
    """What makes examples of an item. Raises MissingBase: a base that cannot converse."""
    if recipe.method == "pretrain":
        return lambda item: pieces(_as(Text, item), tokenizer, recipe.length)
    template = ServedTemplate(tokenizer, stops)
    if recipe.method == "sft":
        return lambda item: conversation(_as(Chat, item), template, recipe)

    def judged(item: Item) -> Pair:
        pair = preference(_as(Preference, item), template, recipe)
        if recipe.method == "dpo" and len(pair.answers()) < 2:
            raise Refused("dpo 要成对的回答；只有一方时请用 kto")
        return pair

    return judged


def _encoded(
    rows: Sequence[Placed], encode: Encoder, told: Prepared, progress: Progress | None
) -> list[tuple[Placed, list[Any]]]:
    found = []
    for done, placed in enumerate(rows, 1):
        try:
            found.append((placed, encode(placed.item)))
        except Refused as error:
            told.refusals.append(Refusal(placed.source, placed.row, "", str(error)))
        if progress:
            progress(done, len(rows), "准备数据")
    return found


def _encoder(
    recipe: Recipe,
    tokenizer: "PreTrainedTokenizerBase",
    stops: Sequence[int],
    told: Prepared,
) -> Encoder:
    read = reader(recipe, tokenizer, stops)

    def fitted(example: Example) -> Example:
        short = fit(example, recipe.length, recipe.too_long)
        told.cut += len(short) < len(example)
        return short

    def encode(item: Item) -> list[Any]:
        found = read(item)
        if isinstance(found, Pair):
            sides = (found.chosen, found.rejected)
            return [Pair(*(None if each is None else fitted(each) for each in sides))]
        return [fitted(each) for each in found]

    return encode


def _as(kind: type[_Kind], item: Item) -> _Kind:
    """Raises `Refused` for an item of another kind than the method learns from."""
    if not isinstance(item, kind):
        raise Refused("数据的种类与 method 不合")
    return item


def _rows(found: Sequence[Any], recipe: Recipe, chance: random.Random) -> list[Row]:
    if recipe.method == "dpo":
        return [Judged((pair.chosen, pair.rejected), (True, False)) for pair in found]
    if recipe.method == "kto":
        return _alone(found, recipe.length, chance)
    if not recipe.packing:
        return [(example,) for example in found]
    bins = pack([len(example) for example in found], recipe.length)
    return [tuple(found[at] for at in row) for row in bins]


def _alone(pairs: Sequence[Pair], length: int, chance: random.Random) -> list[Row]:
    """Every answer by itself, with another prompt's answer after its own prompt."""
    found = [
        (answer, wanted)
        for pair in pairs
        for answer, wanted in ((pair.chosen, True), (pair.rejected, False))
        if answer is not None
    ]
    chance.shuffle(found)
    answers = [answer for answer, _ in found]
    return [
        Judged((answer,), (wanted,), (_strange(at, answers).cut(length),))
        for at, (answer, wanted) in enumerate(found)
    ]


def _strange(at: int, answers: Sequence[Example]) -> Example:
    """The prompt of the answer at `at`, and the next answer that was given to another."""
    prompt = _prompt(answers[at])
    others = (answers[(at + step) % len(answers)] for step in range(1, len(answers)))
    other = next((each for each in others if _prompt(each) != prompt), answers[at])
    return Example.answered(prompt, other.ids[other.learned].tolist())


def _prompt(example: Example) -> list[int]:
    found: list[int] = example.ids[~example.learned].tolist()
    return found
