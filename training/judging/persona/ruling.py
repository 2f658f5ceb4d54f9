"""A served model's opinion on whether an answer contradicts the card, beside the rules'.

Believed only as far as it quotes: a contradiction whose words do not stand in the answer is
dropped, and so is an answer that is not in the form asked for.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel

from retrieval.measures.letters import bare
from retrieval.types import Message
from training.judging.generating import Writer
from training.judging.kept import Kept, written_by
from training.served.asking import Unusable, parsed, schema_of
from training.served.client import Sampling
from training.types import Progress

SHOWN = 2400
"""Characters of the card that the judge reads."""
QUOTE = 2


class Ruling(BaseModel):
    """`quote` is copied from the answer where it contradicts."""

    quote: str
    contradicts: Literal["yes", "no"]


def question(card: str, asked: str, answer: str) -> tuple[Message, ...]:
    return (
        Message(
            "system",
            "你核对一个虚构人物的答话同他的人物卡有没有矛盾。答话里没有提到、含糊、回避、反问都不算矛盾；"
            "说出了与人物卡不同的名字、年纪、住处、亲人、身份才算。",
        ),
        Message(
            "user",
            f"【人物卡】\n{card[:SHOWN]}\n\n【问】\n{asked}\n\n【答】\n{answer}\n\n"
            '只回答一个 JSON 对象：{"quote": "矛盾之处，从答话里照抄；没有就留空", '
            '"contradicts": "yes 或 no"}',
        ),
    )


def rulings(
    judge: Writer,
    card: str,
    asked: Mapping[str, tuple[str, str]],
    kept: Kept,
    progress: Progress,
) -> dict[str, bool | None]:
    """Whether the answer contradicts, by the names of (question, answer); None for a dropped one."""
    prompts = {name: question(card, *each) for name, each in asked.items()}
    sampling = Sampling(tokens=160, temperature=0)
    told = written_by(
        kept, judge, "judge", prompts, sampling, progress, "评判：与人物卡矛盾", schema_of(Ruling)
    )
    return {name: read_ruling(told.get(name, ""), answer) for name, (_, answer) in asked.items()}


def read_ruling(told: str, answer: str) -> bool | None:
    try:
        found = parsed(Ruling, told)
    except Unusable:
        return None
    if found.contradicts == "no":
        return False
    quote = bare(found.quote)
    return True if len(quote) >= QUOTE and quote in bare(answer) else None
