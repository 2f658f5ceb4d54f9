"""What is asked for a chunk: the five tasks' templates, and how an author changes them.

An instruction and an input are Jinja, sandboxed. They may name `length` (the characters of the
answer, to the nearest fifty), `before` (the text before the chunk), `summary`, `draft`, `book`,
`chapter` and `opening` (the chapter's title where the chunk is its first, else nothing).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from training.errors import BadInput

Need = Literal["", "before", "summary", "draft", "opening"]
Format = Literal["joined", "apart"]

EXPERT = "你是一个熟读各类小说的专家，"
SEEDS = EXPERT + "请你根据要求写一段{{ length }}字左右的小说。"


@dataclass(frozen=True, slots=True)
class Task:
    """`needs` is what must be there for a chunk to be asked for at all."""

    name: str
    needs: Need
    instruction: str
    input: str

    def asked(self, names: Mapping[str, Any]) -> tuple[str, str]:
        """(instruction, input), rendered. Raises BadInput for a template that cannot be."""
        return (
            _rendered(self.instruction, names, f"{self.name}的指令"),
            _rendered(self.input, names, f"{self.name}的输入"),
        )


TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (
        Task(
            "续写",
            "before",
            EXPERT
            + "请你接着下面的原文往下写，写一段{{ length }}字左右的小说，不要重复已有的内容。",
            "{{ before }}",
        ),
        Task(
            "扩写",
            "summary",
            EXPERT
            + "请你把下面的梗概扩写成一段{{ length }}字左右的小说，与前文相接，不增减其中的事。",
            "{% if before %}前文：\n{{ before }}\n\n{% endif %}梗概：\n{{ summary }}",
        ),
        Task(
            "改写",
            "draft",
            EXPERT + "请你改写下面这段文字，写成{{ length }}字左右的小说，事情不变，文字要好。",
            "{{ draft }}",
        ),
        Task("按梗概写", "summary", SEEDS, "{{ summary }}"),
        Task(
            "开篇",
            "opening",
            EXPERT + "请你按下面的章回题目写这一章的开篇，{{ length }}字左右。",
            "{{ opening }}",
        ),
    )
}
PLAIN = "原文"
"""Not a task: the chunks as they are, for continued pre-training."""


def task_of(name: str, instruction: str | None = None, input: str | None = None) -> Task:
    """A task, with the author's own templates in place of ours.

    Raises BadInput for an unknown task and for templates that do not parse.
    """
    if name not in TASKS:
        raise BadInput(
            f"没有“{name}”这种任务，可用的是{'、'.join((*TASKS, PLAIN))}。", field="task"
        )
    task = TASKS[name]
    task = replace(task, instruction=instruction or task.instruction, input=input or task.input)
    for source, what in ((task.instruction, "指令"), (task.input, "输入")):
        try:
            _compiled(source)
        except TemplateSyntaxError as error:
            raise BadInput(
                f"{name}的{what}模板第 {error.lineno} 行读不懂：{error.message}"
            ) from error
    return task


_SANDBOX = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=False)


@lru_cache(maxsize=32)
def _compiled(source: str) -> Template:
    return _SANDBOX.from_string(source)


def _rendered(source: str, names: Mapping[str, Any], what: str) -> str:
    try:
        return _compiled(source).render(names).strip()
    except TemplateError as error:
        known = "、".join(names)
        raise BadInput(f"{what}模板用不了：{error}。可以写的是 {known}。") from error
