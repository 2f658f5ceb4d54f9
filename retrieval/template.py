"""Prompt templates: Jinja files that an author may edit, known by the hash of their text.

A template has a `system` and a `user` part and, where the model is to go on from given words,
an `assistant` part: what it renders is the beginning of the answer. The shipped ones are
folders of `system.j2`, `user.j2` and `assistant.j2`. Rendering is sandboxed: a template is text
from an author or a file, not code.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from retrieval import tail
from retrieval.errors import RetrievalError
from retrieval.types import ContextItem, Group, Message, Placed

SHIPPED = Path(__file__).parent / "templates"
ROLES = ("system", "user", "assistant")
TALK = {"char": "", "user": "", "instruction": "", "after": "", "begun": ""}
"""What a conversation's template may name besides (`retrieval.conversation`)."""
TELLING = ("recap", "memory")
"""The templates of a recap and of a talk's summary: what they are to tell is no block but `text`."""
TOLD = {"level": "chapter", "text": "", "piece": 1, "pieces": 1}
"""What it may name besides (`retrieval.memory`)."""
CONVERSATION = "persona"
"""The template whose text to go on with is not its own: messages stand between its parts."""


class BrokenTemplate(RetrievalError):
    code = "broken_template"


@dataclass(frozen=True)
class PromptTemplate:
    """`version` names the exact text: `name@` and eight hex digits of its SHA-256."""

    name: str
    version: str
    system: str
    user: str
    assistant: str = ""

    def render(
        self, placed: Sequence[Placed], variables: Mapping[str, Any] | None = None
    ) -> tuple[Message, ...]:
        """The messages for these blocks; every group is a list, empty where nothing stands.

        `late.cast`, `late.lore` … are those of a group's blocks that change with every
        request; `outline` is what the beat's group has that does not. `settled` are passages
        that stay where they are before the chapter's text; a template without a place for them
        gets them among `passages`. `earlier` and `ending` are the tail's text in two parts
        (`tail.split`).
        """
        blocks: dict[str, Any] = {
            group.value: [p for p in placed if p.item.group is group and not p.item.changes]
            for group in Group
        }
        late = {
            group.value: [p for p in placed if p.item.group is group and p.item.changes]
            for group in Group
        }
        settled = blocks["passages"]
        passages = late["passages"] if "settled" in self.user else settled + late["passages"]
        blocks |= {"outline": blocks["beat"], "beat": late["beat"], "passages": passages}
        whole = "".join(placed.text for placed in blocks[Group.TAIL.value])
        earlier, ending = tail.split(whole)
        names = {
            "title": "", "length": 0, **TALK, **TOLD, **(variables or {}), **blocks,
            "earlier": earlier, "ending": ending, "late": late, "settled": settled,
        }  # fmt: skip
        messages = (
            Message("system", _render(self.system, names, f"{self.name} 的 system 部分")),
            Message("user", _render(self.user, names, f"{self.name} 的 user 部分")),
            Message("assistant", _render(self.assistant, names, f"{self.name} 的 assistant 部分")),
        )
        return messages if messages[2].content else messages[:2]


_environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


@lru_cache(maxsize=64)
def _compiled(source: str) -> Any:
    return _environment.from_string(source)


def _render(source: str, names: Mapping[str, Any], place: str) -> str:
    try:
        return str(_compiled(source).render(names)).strip()
    except TemplateError as error:
        line = f"第 {error.lineno} 行" if isinstance(error, TemplateSyntaxError) else ""
        raise BrokenTemplate(
            f"提示词模板 {place}{line}有误（{error.message or error}），请改正它，或改用自带的模板。"
        ) from error


def template_of(name: str, system: str, user: str, assistant: str = "") -> PromptTemplate:
    """A template from its parts; its version follows from them."""
    digest = hashlib.sha256("\0".join((system, user, assistant)).encode()).hexdigest()
    return PromptTemplate(name, f"{name}@{digest[:8]}", system, user, assistant)


@lru_cache(maxsize=16)
def load_template(name: str) -> PromptTemplate:
    """The shipped template of this name. Raises BrokenTemplate where there is none."""
    if name not in shipped_names():
        raise BrokenTemplate(
            f"没有名为“{name}”的提示词模板，可用的有：{'、'.join(shipped_names())}。"
        )
    return template_of(name, *(_read(SHIPPED / name / f"{role}.j2") for role in ROLES))


def shipped_names() -> list[str]:
    return sorted(folder.name for folder in SHIPPED.iterdir() if (folder / "user.j2").is_file())


def check(template: PromptTemplate) -> None:
    """Render with every group filled, then with none. Raises BrokenTemplate where it fails or
    where what the author wants written, or the text to go on with, would not arrive."""
    template.render(())
    if template.name in TELLING:
        _check_telling(template)
        return
    blocks = [Placed(ContextItem(g, g, f"〔{g}〕" * 9, g), f"〔{g}〕" * 9, 0, "") for g in Group]
    whole = "".join(m.content for m in template.render(blocks, {"title": "题", "length": 9}))
    for group, told in ((Group.BEAT, "本段要求 beat"), (Group.TAIL, "正文 earlier 和 ending")):
        if group is Group.TAIL and template.name == CONVERSATION:
            continue
        if f"〔{group}〕" * 9 not in whole:
            raise BrokenTemplate(f"提示词模板里没有用到{told}，模型会看不到它；请把它加上。")


def _check_telling(template: PromptTemplate) -> None:
    for level in ("chapter", "pieces", "volume", "book"):
        told = {"level": level, "text": "〔原文〕", "length": 9, "piece": 2, "pieces": 3}
        if "〔原文〕" not in "".join(m.content for m in template.render((), told)):
            raise BrokenTemplate(
                "提示词模板里没有用到要概括的原文 text，模型会看不到它；请把它加上。"
            )


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
