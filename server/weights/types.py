"""What the rest of the server knows of a model's weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

Source = Literal["directory", "huggingface", "modelscope", "package"]


@dataclass(frozen=True, slots=True)
class Weights:
    """A directory that an engine can serve: config, safetensors and tokenizer in it."""

    path: Path
    name: str
    """What the model is called: a hub id, or the directory's own name."""
    source: Source
    note: str | None = None
    """One sentence for the author where another model than expected is served."""


class Progress(Protocol):
    """Told how far a step is; called from any thread, several times a second at most."""

    def __call__(self, step: str, done: int, total: int) -> None:
        """`step` names the work in Chinese; `done` of `total` bytes (0: not known)."""
        ...


def silent(step: str, done: int, total: int) -> None:
    """A `Progress` that says nothing."""
