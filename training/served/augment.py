"""More of the same kind from two or three examples; near-duplicates are dropped.

Each question shows a few of the examples, drawn anew, so that what comes back differs.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from training.data.duplicates import find_duplicates
from training.errors import BadInput
from training.novels.tasks import Task
from training.served.asking import Ask, Unusable, parsed
from training.served.client import Sampling
from training.served.variants import asked, shipped
from training.types import Chat, Item, Origin, Turn

MADE_BY = "augmented/1"
EXAMPLES = 3
"""That one question shows."""
AT_A_TIME = 4
"""New ones that one question asks for."""
SIMILAR = 0.5
"""Share of 5-grams in common from which an item says what another says: lower than for cleaning,
since a model that was shown an example likes to say it again."""


class Written(BaseModel):
    question: str
    answer: str


class More(BaseModel):
    items: list[Written]


@dataclass
class Grown:
    items: list[Chat] = field(default_factory=list)
    repeated: int = 0
    """Dropped: nearly an example, or nearly another new one."""


def examples_of(items: Sequence[Item]) -> list[Chat]:
    """Those that ask once and answer once. Raises BadInput where there are fewer than two."""
    found = [item for item in items if isinstance(item, Chat) and _pair(item)]
    if len(found) < 2:
        raise BadInput("至少要两个例子，每个一问一答。")
    return found


def new_ones(text: str) -> More:
    """Raises Unusable."""
    told = parsed(More, text)
    kept = [one for one in told.items if one.question.strip() and one.answer.strip()]
    if not kept:
        raise Unusable("一条也没有")
    return More(items=kept)


def questions(
    examples: Sequence[Chat], variant: Task, count: int, seed: int = 0
) -> list[Ask[More]]:
    """As many as `count` new ones take, each with its own examples and its own seed."""
    drawn = random.Random(seed)
    return [
        Ask(
            asked(variant, {"examples": _shown(examples, drawn), "count": AT_A_TIME}),
            new_ones,
            form=More,
            sampling=Sampling(tokens=1500, temperature=0.9, top_p=0.95, seed=seed + 2 * number),
        )
        for number in range(-(-count // AT_A_TIME))
    ]


def grown(
    examples: Sequence[Chat], made: Sequence[More | None], source: str, *, similar: float = SIMILAR
) -> Grown:
    """The new items; the system turn is the examples' own, where they agree on one."""
    systems = {turn for chat in examples for turn in chat.turns[:1] if turn.role == "system"}
    system = tuple(systems) if len(systems) == 1 else ()
    new = list(_chats(made, source, system))
    alone = [Chat(chat.turns[-2:]) for chat in (*examples, *new)]
    distinct = find_duplicates(alone, lambda *_: None, threshold=similar).kept
    kept = [new[n - len(examples)] for n in distinct if n >= len(examples)]
    return Grown(kept, len(new) - len(kept))


def show(made: More) -> str:
    return "\n".join(f"问：{one.question}\n答：{one.answer}" for one in made.items)


def _chats(made: Sequence[More | None], source: str, system: tuple[Turn, ...]) -> Iterator[Chat]:
    for number, more in enumerate(made, 1):
        for one in more.items if more else ():
            turns = (Turn("user", one.question.strip()), Turn("assistant", one.answer.strip()))
            yield Chat((*system, *turns), Origin(source, f"第 {number} 次", MADE_BY))


def _shown(examples: Sequence[Chat], drawn: random.Random) -> list[dict[str, str]]:
    chosen = drawn.sample(list(examples), min(EXAMPLES, len(examples)))
    return [{"question": one.turns[-2].text, "answer": one.turns[-1].text} for one in chosen]


def _pair(chat: Chat) -> bool:
    roles = [turn.role for turn in chat.turns if turn.role != "system"]
    return roles == ["user", "assistant"] and not chat.tools


_FORM = '写成 JSON：{"items": [{"question": "问", "answer": "答"}]}。'
_SHOWN = "{% for one in examples %}问：{{ one.question }}\n答：{{ one.answer }}\n\n{% endfor %}"

VARIANTS = shipped(
    同类=f"{_SHOWN}上面是几个例子。照它们的路数和口吻，再写 {{{{ count }}}} 组新的问答，"
    f"说的事不能和例子一样，彼此也不一样。{_FORM}",
    换景=f"{_SHOWN}上面的回答都是一个人说的。换几个场合、换几个人来问，写出他会怎么回答，"
    f"一共 {{{{ count }}}} 组，不要重复例子里的话。{_FORM}",
)
