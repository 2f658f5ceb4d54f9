"""Which facts bear on what is to be written: those about whom or what the beat or scene names.

A fact's entity is a character, by any of their names, or a thing, by the entity's own words.
Knows nothing of budgets: items carry their priority, below every sheet's.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from heapq import nlargest

from retrieval.mentions import Mentions
from retrieval.timeline import View
from retrieval.types import Character, ContextItem, Fact, Group, Refused

MOST_FACTS = 60
"""Facts offered for one prompt: more than its budget for the cast ever holds."""


def fact_items(
    facts: Sequence[Fact],
    cast: Sequence[Character],
    named: Mapping[str, float],
    texts: Sequence[tuple[str, float]],
    view: View,
    pinned: frozenset[str] = frozenset(),
) -> tuple[list[ContextItem], list[Refused]]:
    """(those that may stand, those that may not), each at most MOST_FACTS, in the given order.

    `named` weighs the characters that are named, by id; `texts` are searched for things, each
    with what one mention in it is worth. A pinned fact counts as named.
    """
    weights = _weights(facts, cast, named, texts)
    shown: dict[int, ContextItem] = {}
    refused: dict[int, Refused] = {}
    for order, (fact, weight) in enumerate(zip(facts, weights, strict=True)):
        if not weight and _id(fact) not in pinned:
            continue
        item = _item(fact, order, weight)
        reason = view.refuses(fact.validity)
        if reason is None:
            shown[order] = item
        else:
            refused[order] = (item, reason)
    most = nlargest(MOST_FACTS, shown, key=lambda n: (shown[n].id in pinned, weights[n]))
    least = nlargest(MOST_FACTS, refused, key=lambda n: weights[n])
    return [shown[n] for n in sorted(most)], [refused[n] for n in sorted(least)]


def _weights(
    facts: Sequence[Fact],
    cast: Sequence[Character],
    named: Mapping[str, float],
    texts: Sequence[tuple[str, float]],
) -> list[float]:
    owners: dict[str, set[str]] = {}
    for character in cast:
        for name in (character.name, *character.aliases):
            owners.setdefault(name.strip(), set()).add(character.id)
    whose = [_owner(fact, owners) for fact in facts]
    things = dict.fromkeys(
        f.entity.strip() for f, owner in zip(facts, whose, strict=True) if owner is None
    )
    found = _things_named(tuple(name for name in things if name), texts)
    return [
        named.get(owner, 0.0) if owner is not None else found.get(fact.entity.strip(), 0.0)
        for fact, owner in zip(facts, whose, strict=True)
    ]


def _owner(fact: Fact, owners: Mapping[str, set[str]]) -> str | None:
    """The character it is about, said or by an unambiguous name; None for a thing."""
    if fact.character_id is not None:
        return fact.character_id
    known = owners.get(fact.entity.strip(), set())
    return next(iter(known)) if len(known) == 1 else None


def _things_named(things: tuple[str, ...], texts: Sequence[tuple[str, float]]) -> dict[str, float]:
    mentions = _finder(things)
    weights: dict[str, float] = {}
    for text, worth in texts:
        for mention in mentions.find(text):
            weights[mention.name] = weights.get(mention.name, 0.0) + worth
    return weights


@lru_cache(maxsize=16)
def _finder(things: tuple[str, ...]) -> Mentions:
    """Kept, since a book's things are the same from one prompt to the next."""
    return Mentions([Character(name, name) for name in things])


def _id(fact: Fact) -> str:
    return f"fact:{fact.id}"


def sentence(fact: Fact) -> str:
    """The fact as it is told."""
    return f"{fact.entity}（{fact.attribute}）：{fact.value}"


def _item(fact: Fact, order: int, weight: float) -> ContextItem:
    return ContextItem(
        _id(fact),
        Group.CAST,
        sentence(fact),
        f"设定事实：{fact.entity}",
        priority=20 + min(weight, 15.0),
        order=10_000 + order,
        score=weight,
        late=True,
    )
