"""How many tokens each kind of context may take, and what is left when it takes less.

The shares are a documented default (docs/architecture.md); a work may bring its own.
Of what the steady groups do not use, half goes to those of them that wait and the rest to the
verbatim tail. What changes with every request (passages, what only the beat or the last lines
call for) has the shares of passages and beat together.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from retrieval.types import Group

DEFAULT_SHARES: Mapping[Group, float] = MappingProxyType(
    {
        Group.SYSTEM: 0.08,
        Group.BEAT: 0.12,
        Group.CAST: 0.15,
        Group.LORE: 0.15,
        Group.THREADS: 0.07,
        Group.RECAP: 0.13,
        Group.PASSAGES: 0.10,
        Group.TAIL: 0.20,
    }
)

ORDER: tuple[Group, ...] = (
    Group.SYSTEM,
    Group.RECAP,
    Group.CAST,
    Group.LORE,
    Group.THREADS,
    Group.PASSAGES,
    Group.TAIL,
    Group.BEAT,
)
"""The groups in the order in which an account of the prompt lists them. Where they stand is the
template's matter (docs/decisions/0008)."""


def shares_from(wanted: Mapping[str, Any]) -> Mapping[Group, float]:
    """The default shares with a work's own in their place, as {"passages": 0.2, …}.

    Raises ValueError, with a sentence for the author, where they make no budget.
    """
    unknown = wanted.keys() - {group.value for group in Group}
    if unknown:
        raise ValueError(
            f"没有名为{'、'.join(sorted(unknown))}的份额，可用的有：{'、'.join(g.value for g in Group)}。"
        )
    for name, share in wanted.items():
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ValueError(f"{name} 的份额要在 0 到 1 之间，请改正。")
    own = {Group(name): float(share) for name, share in wanted.items()}
    shares = {**DEFAULT_SHARES, **own}
    if not any(shares.values()):
        raise ValueError("所有的份额都是 0，请至少留一份。")
    return shares


def allowances(room: int, shares: Mapping[Group, float]) -> dict[Group, int]:
    """Tokens for each group out of `room`; the shares need not add up to one."""
    total = sum(shares.values()) or 1.0
    return {group: int(room * shares.get(group, 0.0) / total) for group in ORDER}
