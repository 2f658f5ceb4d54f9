"""Every pair of drafts before the judge, in both orders; what it answered is kept."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from training.judging.cases import Case
from training.judging.generating import Writer
from training.judging.kept import Kept, key_of, make
from training.judging.prompting import Messages, as_dicts
from training.judging.sides import Side
from training.judging.verdict import Ballot
from training.judging.votes import CRITERIA, question, read_votes, schema
from training.served.client import Sampling, Schema
from training.types import Progress

JUDGING = Sampling(tokens=900, temperature=0.0)

Answers = Mapping[str, Mapping[str, str]]
"""By side, then by case."""


def ballots(
    cases: Sequence[Case], answers: Answers, judge: Writer, kept: Kept, page: str,
    progress: Progress,
) -> list[Ballot]:  # fmt: skip
    """`page` is the author's, to know the style by. Raises EngineUnreachable."""
    pairs = list(_pairs(cases, answers))
    asked = {
        key: messages
        for case, one, other in pairs
        for key, messages in _both(case, answers[one], answers[other], judge, page)
    }
    make(kept, judge, asked, JUDGING, progress, "评判", Schema("votes", schema()))
    return [
        ballot
        for case, one, other in pairs
        for ballot in _ballots(case, one, other, answers, judge, kept, page)
    ]


def _pairs(cases: Sequence[Case], answers: Answers) -> Iterator[tuple[Case, str, str]]:
    """(case, the side that has more to it, the other), where the two wrote different things:
    the same words twice are no contest."""
    ordered = [side for side in reversed(Side) if side in answers]
    for case in cases:
        for one, other in combinations(ordered, 2):
            texts = [answers[side].get(case.id) for side in (one, other)]
            if None not in texts and texts[0] != texts[1]:
                yield case, one, other


def _both(
    case: Case, one: Mapping[str, str], other: Mapping[str, str], judge: Writer, page: str
) -> Iterator[tuple[str, Messages]]:
    """The two questions, each under its key."""
    a, b = one[case.id], other[case.id]
    for first, second in ((a, b), (b, a)):
        messages = question(case, first, second, page)
        yield key_of("vote", judge.name, as_dicts(messages)), messages


def _ballots(
    case: Case, one: str, other: str, answers: Answers, judge: Writer, kept: Kept, page: str
) -> Iterator[Ballot]:
    a, b = answers[one][case.id], answers[other][case.id]
    (there, _), (back, _) = _both(case, answers[one], answers[other], judge, page)
    said = [kept.get(key, "") for key in (there, back)]
    given = read_votes(said[0], a, b), read_votes(said[1], b, a)
    for criterion in CRITERIA:
        yield Ballot(case.id, criterion, one, other, given[0][criterion], given[1][criterion])
