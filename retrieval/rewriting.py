"""What is asked when a stretch of a chapter is to be written anew, as items for the prompt.

The stretch, what is wanted of it and the paragraph behind it stand where a continuation has its
beat: behind everything else, changing with every request. Of what is told behind the stretch
nothing but that paragraph is shown, so that the new words join on to it.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from retrieval.types import ContextItem, Group

Task = Literal["rewrite", "expand", "condense", "polish", "describe", "dialogue", "custom"]
TASKS: tuple[Task, ...] = get_args(Task)
Sense = Literal["视", "听", "嗅", "味", "触"]

MOST_BEHIND = 400
"""Characters shown of the paragraph behind."""

LENGTHS: Mapping[str, float] = {"expand": 2.0, "condense": 0.5}
"""How long the new words are to be, by the old ones' length; as long where nothing is said."""

WORDS: Mapping[str, str] = {
    "rewrite": "把原文换一种写法重写：情节、人称和时态不变",
    "expand": "把原文扩写：补上动作、神情和细节，不添原文没有的转折",
    "condense": "把原文缩写：留下情节和要紧的话，删去枝蔓",
    "polish": "把原文润色：改掉病句、重复和不顺的地方，意思、人称和语气不变",
    "describe": "给原文添上描写，情节不变",
    "dialogue": "把原文改成以对话为主，情节不变",
    "custom": "按要求改写原文",
}

SENSES: Mapping[str, str] = {
    "视": "看见的", "听": "听见的", "嗅": "闻到的", "味": "尝到的", "触": "触到的",
}  # fmt: skip


def length_for(task: Task, selection: str) -> int:
    """Characters, blanks not counted, that the new words should have."""
    return expected_length(task, sum(not c.isspace() for c in selection))


def expected_length(task: Task, chars: int) -> int:
    """The same, of a stretch of so many characters."""
    return max(1, round(LENGTHS.get(task, 1.0) * chars))


def wanted(
    task: Task, instruction: str = "", character: str = "", senses: Sequence[Sense] = ()
) -> str:
    """What is asked, in one paragraph; `character` is the name of who speaks or is spoken of."""
    told = [WORDS[task]]
    if senses:
        told.append(f"多写{'、'.join(SENSES[sense] for sense in senses)}")
    if character:
        speaks = "多让{}说话，照他的口吻" if task == "dialogue" else "照{}的口吻和眼光写"
        told.append(speaks.format(character))
    if instruction.strip():
        told.append(instruction.strip())
    return "。".join(part.rstrip("。") for part in told) + "。"


def following(text: str, end: int) -> str:
    """The rest of the paragraph behind `end`, or the next one where nothing is left of it."""
    return text[end:].lstrip().split("\n", 1)[0][:MOST_BEHIND].rstrip()


def rewrite_items(selection: str, wish: str, behind: str) -> list[ContextItem]:
    """The stretch, the paragraph behind it and the wish; all of them have to stand."""
    items = [
        ContextItem("selection", Group.BEAT, f"【要改的原文】\n{selection}", "选中的原文",
                    required=True, priority=100, order=1),
        ContextItem("behind", Group.BEAT, f"【原文之后】\n{behind}", "下文",
                    required=True, priority=90, order=2, keep="start"),
        ContextItem("beat", Group.BEAT, f"【要求】\n{wish}", "改写的要求",
                    required=True, priority=100, order=3),
    ]  # fmt: skip
    return items if behind else [items[0], items[2]]
