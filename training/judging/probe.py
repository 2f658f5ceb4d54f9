"""What a model knew before it was tuned: 150 short questions that nothing was trained on.

Two kinds of answers: one of four options, taken to be the one that the model itself finds the
likeliest, and a short answer that is written, compared as it stands or by a pattern. Whoever
tunes one thing sees here whether the rest was lost.

Options are weighed as answers by −log p a character, as in the field's harnesses (L. Gao et
al., "A framework for few-shot language model evaluation", acc_norm). A 0.5B Qwen is right in
0.59 of them so; where the options stand in the question in 0.29, and where it is to name a
letter in 0.27, which is chance.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from training.judging.likelihood import likelihoods
from training.judging.model import Model
from training.tuning.masks import Example
from training.types import Progress

Kind = Literal["knowledge", "arithmetic", "reading", "instruction", "format"]
KINDS: tuple[Kind, ...] = get_args(Kind)

TOKENS = 48
"""Of a written answer; the longest right one has about 20."""

_FOLDER = Path(__file__).parent / "probes"
_EDGES = re.compile(r"^[\s“”‘’\"'「」《》]+|[\s“”‘’\"'「」《》。.!！]+$")


@dataclass(frozen=True, slots=True)
class Question:
    """Answered by one of `options`, or in writing by one of `answers` or what fits `pattern`."""

    id: str
    kind: Kind
    text: str
    options: tuple[str, ...] = ()
    right: int = 0
    answers: tuple[str, ...] = ()
    pattern: str = ""

    @property
    def written(self) -> bool:
        return not self.options

    @property
    def prompt(self) -> str:
        return self.text if self.written else f"{self.text}\n只写答案，不解释。"

    def is_right(self, written: str) -> bool:
        """Whether a written answer is right; quotes around it and a full stop are forgiven."""
        if self.pattern:
            return re.fullmatch(self.pattern, written.strip()) is not None
        return _plain(written) in {_plain(answer) for answer in self.answers}


@dataclass(frozen=True, slots=True)
class Answered:
    """How a question was answered: an option or what was written."""

    id: str
    kind: Kind
    answer: str
    right: bool


@cache
def questions() -> tuple[Question, ...]:
    """All of them, by kind and number."""
    return tuple(
        _question(json.loads(line))
        for kind in KINDS
        for line in (_FOLDER / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines()
    )


def _question(line: dict[str, object]) -> Question:
    def texts(name: str) -> tuple[str, ...]:
        given = line.get(name, ())
        return tuple(map(str, given)) if isinstance(given, list) else ()

    right = line.get("answer", 0)
    kind = next(each for each in KINDS if each == line["kind"])
    return Question(
        str(line["id"]), kind, str(line["question"]), texts("options"),
        right if isinstance(right, int) else 0, texts("answers"), str(line.get("pattern", "")),
    )  # fmt: skip


def _plain(answer: str) -> str:
    return _EDGES.sub("", unicodedata.normalize("NFKC", answer)).strip()


def choose(
    model: Model, asked: Iterable[Question], progress: Progress | None = None
) -> list[Answered]:
    """The likeliest option of each question."""
    asked = [question for question in asked if not question.written]
    offered = [
        _offered(model, question, option) for question in asked for option in question.options
    ]
    nats = {place: each.nats for place, each in likelihoods(model, offered, progress)}
    found = iter(nats[place] for place in range(len(offered)))
    return [
        _chosen(question, [next(found) / len(option) for option in question.options])
        for question in asked
    ]


def _offered(model: Model, question: Question, option: str) -> Example:
    prompt = model.template.prompt([{"role": "user", "content": question.prompt}])
    answer = model.template.answer(option)[:-1]  # its end says how much more there could be
    learned = np.zeros(len(prompt) + len(answer), np.bool_)
    learned[len(prompt) :] = True
    return Example(np.array([*prompt, *answer], np.int32), learned)


def _chosen(question: Question, nats: Sequence[float]) -> Answered:
    best = int(np.argmin(nats))
    return Answered(question.id, question.kind, question.options[best], best == question.right)


def written(question: Question, answer: str) -> Answered:
    return Answered(question.id, question.kind, answer, question.is_right(answer))


def accuracy(answered: Sequence[Answered], kind: Kind | None = None) -> float:
    """The share that is right, of one kind or of all; 0 for none."""
    right = [each.right for each in answered if kind in (None, each.kind)]
    return sum(right) / len(right) if right else 0.0
