"""Bases and data sets in miniature for the tests of tuning, judging and publishing.

Everything is made here from nothing, so no test needs a download; only the text is nonsense.
"""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Literal

from tests.engine.tiny_qwen import SENTENCES, make_adapter
from training import tiny_base
from training.data.store import save
from training.types import Chat, Item, Preference, Text, Turn

__all__ = ["SENTENCES", "chats", "make_adapter", "make_base", "make_data", "preferences", "texts"]

TEMPLATES = {"qwen2.5": "qwen2_5.jinja", "qwen3": "qwen3.jinja"}
TemplateName = Literal["qwen2.5", "qwen3"]


def published_template(name: TemplateName) -> str:
    """Qwen's own chat template, byte for byte, as TRL carries it."""
    return (files("trl") / "chat_templates" / TEMPLATES[name]).read_text("utf-8")


def make_base(folder: Path, template: TemplateName = "qwen2.5") -> Path:
    """A Qwen of 0.2 M random weights with a published chat template."""
    return tiny_base.make_base(folder, SENTENCES * 4, published_template(template))


def chats(count: int = 12, system: str = "你是沈砚。") -> list[Chat]:
    """Questions of different lengths with answers that can be learned by heart."""
    return [
        Chat(
            (
                Turn("system", system),
                Turn("user", f"第{at}问：{SENTENCES[at % 6][: 3 + at % 9]}"),
                Turn("assistant", SENTENCES[(at + 1) % 6]),
            )
        )
        for at in range(count)
    ]


def texts(count: int = 4, sentences: Sequence[str] = SENTENCES) -> list[Text]:
    return [Text("\n".join(sentences[at % 6 :] + sentences[: at % 6])) for at in range(count)]


def preferences(count: int = 8) -> list[Preference]:
    return [
        Preference(
            (Turn("user", f"续写：{SENTENCES[at % 6]}"),),
            SENTENCES[(at + 1) % 6],
            f"好的，第{at}次。" * 3,
        )
        for at in range(count)
    ]


def make_data(
    data_dir: Path, name: str, items: Sequence[Item], held_out: Sequence[Item] = ()
) -> Path:
    """A data set under its bare name."""
    folder = data_dir / "datasets" / name
    save(folder, items, held_out, name=name, made={"command": "test"})
    return folder
