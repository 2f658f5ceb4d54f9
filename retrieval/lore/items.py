"""Lore that fired as items of the prompt."""

from dataclasses import replace

from retrieval.lore.budget import rank
from retrieval.lore.types import Activation, LoreEntry, LoreHit, Placement
from retrieval.types import ContextItem, Group, Refused

PRIORITY = 40.0
"""Among the other groups' items; an author's own priority moves it by at most REACH."""
REACH = 15.0

_BANDS = {
    Placement.BEFORE: 0.0,
    Placement.LORE: 1e9,
    Placement.AFTER: 2e9,
    Placement.DEPTH: 3e9,
}


def items(activation: Activation, *placements: Placement) -> list[ContextItem]:
    """The hits as items of the lore block; only those with these placements, where given.

    An order rises from what stands before the characters to what stands near the end of the
    text, the nearest last, so that one block holds them sensibly where a template knows no
    others.
    """
    ranks = {h.entry.id: n for n, h in enumerate(sorted(activation.hits, key=rank))}
    return [
        ContextItem(
            f"lore:{hit.entry.id}",
            Group.LORE,
            hit.entry.content.strip(),
            f"设定：{hit.entry.title}",
            priority=_priority(hit, ranks[hit.entry.id]),
            # What has the same order stands as the author listed it.
            order=order_of(hit.entry) + place * 1e-5,
            keep="start",
            why=hit.reason,
            late=hit.cause.kind != "constant",
        )
        for place, hit in enumerate(activation.hits)
        if hit.entry.content.strip() and (not placements or hit.entry.placement in placements)
    ]


def lore_items(activation: Activation) -> tuple[list[ContextItem], list[Refused]]:
    """(what joins the prompt, what was kept out and why).

    Entries at a depth stand with the beat: the chapter's last sentences are the model's own
    beginning, and nothing may stand between them and what it goes on to write.
    """
    near = [replace(i, group=Group.BEAT, order=i.order - 1e10, late=True)
            for i in items(activation, Placement.DEPTH)]  # fmt: skip
    blocks = items(activation, Placement.BEFORE, Placement.LORE, Placement.AFTER)
    kept_out = [(_plain(entry), why) for entry, why in (*activation.skipped, *activation.faults)]
    return [*blocks, *near], kept_out


def _plain(entry: LoreEntry) -> ContextItem:
    return ContextItem(
        f"lore:{entry.id}", Group.LORE, entry.content.strip(), f"设定：{entry.title}"
    )


def _priority(hit: LoreHit, worse_than: int) -> float:
    return PRIORITY + max(-REACH, min(REACH, hit.entry.priority / 10)) - worse_than * 0.001


def order_of(entry: LoreEntry) -> float:
    """Where it stands among all entries: by placement, nearness to the end, then `order`."""
    nearness = -1e6 * min(entry.depth, 900) if entry.placement is Placement.DEPTH else 0.0
    return _BANDS[entry.placement] + nearness + max(-4e5, min(4e5, entry.order))
