"""The future: questions about what comes after the place where a persona stands, and words of
it that an answer cannot have from before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retrieval.measures.letters import bare
from training.judging.cases import evenly
from training.judging.persona.probing import Probe, rows

PIECE = 6
"""Characters in one piece that tell a long value; a shorter value is told by all of it."""
MOST = 12
"""Facts that are asked for, as far apart as they can be."""


@dataclass(frozen=True, slots=True)
class Later:
    """What a persona cannot know yet: `facts` are (entity, attribute, value), `names` those of
    people nobody has met. `known` is all that they may have read or heard: the card, the book up
    to their place."""

    facts: tuple[tuple[str, str, str], ...]
    names: tuple[str, ...]
    known: str


def later_probes(later: Later) -> Iterator[Probe]:
    """None where nothing comes later."""
    known = bare(later.known)
    keys = {fact: _keys(fact[2], known) for fact in later.facts}
    telling = [fact for fact, found in keys.items() if found]
    # Who is only met later is no question: it would give away what it asks for.
    for number, fact in enumerate(evenly([f for f in telling if bare(f[0]) in known], MOST), 1):
        entity, attribute, value = fact
        rule = _Leaks(keys[fact], f"{entity}{attribute}")
        question = f"{entity}的{attribute}，你知道吗？说来听听。"
        yield Probe(
            f"later:fact-{number}", "later", question, rule, f"{entity}（{attribute}）：{value}"
        )
    every = [key for fact in telling for key in keys[fact]]
    names = [name for name in later.names if bare(name) not in known and len(name) > 1]
    if every or names:
        for row in rows("later"):
            rule = _Leaks([*names, *every], row["question"])
            yield Probe(f"later:{row['id']}", "later", row["question"], rule, "往后的人和事")


def _keys(value: str, known: str) -> list[str]:
    """The pieces of a value that nothing before it has."""
    letters = bare(value)
    size = min(PIECE, len(letters))
    pieces = dict.fromkeys(letters[n : n + size] for n in range(len(letters) - size + 1))
    return [piece for piece in pieces if len(piece) > 1 and piece not in known]


class _Leaks:
    """What is asked with is no leak."""

    def __init__(self, keys: Sequence[str], asked: str) -> None:
        self._keys = [key for key in keys if key not in bare(asked)]

    def __call__(self, answer: str) -> str:
        said = bare(answer)
        return next((key for key in self._keys if key in said), "")
