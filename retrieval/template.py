"""Prompt templates: Jinja files that an author may edit, known by the hash of their text.

A template is a folder with `system.j2`, `user.j2` and, where the model is to go on from
given words, `assistant.j2`: what it renders is the beginning of the answer. A folder of the same name in the
author's own directory wins over the shipped one. Rendering is sandboxed: a template is
text from an author or a file, not code.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from retrieval import tail
from retrieval.errors import RetrievalError
from retrieval.types import Group, Message, Placed

SHIPPED = Path(__file__).parent / "templates"


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

        `earlier` and `ending` are the tail's text in two parts (`tail.split`).
        """
        blocks: dict[str, Any] = {
            group.value: [p for p in placed if p.item.group is group] for group in Group
        }
        whole = "".join(placed.text for placed in blocks[Group.TAIL.value])
        earlier, ending = tail.split(whole)
        names = {
            "title": "", "length": 0, **(variables or {}), **blocks,
            "earlier": earlier, "ending": ending,
        }  # fmt: skip
        messages = (
            Message("system", _render(self.system, names, self.name)),
            Message("user", _render(self.user, names, self.name)),
            Message("assistant", _render(self.assistant, names, self.name)),
        )
        return messages if messages[2].content else messages[:2]


_environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


@lru_cache(maxsize=64)
def _compiled(source: str) -> Any:
    return _environment.from_string(source)


def _render(source: str, names: Mapping[str, Any], template: str) -> str:
    try:
        return str(_compiled(source).render(names)).strip()
    except TemplateError as error:
        raise BrokenTemplate(
            f"提示词模板“{template}”有误（{error}），请改正它，或删掉它改用自带的模板。"
        ) from error


def load_template(name: str, own: Path | None = None) -> PromptTemplate:
    """The author's template of this name if there is one in `own`, else the shipped one."""
    for root in (own, SHIPPED):
        if root is not None and (root / name / "user.j2").is_file():
            parts = [_read(root / name / f"{role}.j2") for role in ("system", "user", "assistant")]
            digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
            return PromptTemplate(name, f"{name}@{digest[:8]}", *parts)
    raise BrokenTemplate(f"没有名为“{name}”的提示词模板，请改用 continuation。")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
