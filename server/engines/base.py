"""The whole protocol between the application and whatever generates text.

An engine streams, counts tokens, and lists, loads and unloads adapters. It knows nothing
of works, chapters or prompts' meaning. Errors are `server.errors.EngineError`s.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from retrieval.types import Message, TokenCounter

State = Literal["starting", "ready", "restarting", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is drawn; None leaves the engine's own default."""

    temperature: float = 0.8
    top_p: float = 0.9
    top_k: int | None = None
    min_p: float | None = None
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    repetition_penalty: float | None = None
    dry: float = 0.0
    """DRY's multiplier (`engines/dry.py`); engines that have none leave it out."""
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """Messages that end with the assistant's are gone on with (`retrieval.types.continues`)."""

    messages: tuple[Message, ...]
    max_tokens: int
    sampling: Sampling = field(default_factory=Sampling)
    adapter: str | None = None
    """Name of a loaded adapter; None is the base model."""
    candidates: int = 1
    request_id: str | None = None
    min_tokens: int = 0
    """The model may not stop before; engines that cannot promise it ignore it."""
    names: tuple[str, ...] = ()
    """What DRY lets stand as often as it likes."""


@dataclass(frozen=True, slots=True)
class Usage:
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int | None = None
    """Prompt tokens that the prefix cache saved; None where the engine does not say."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A step of a stream: text of candidate `index`, its end, or (once, last) the usage."""

    index: int = 0
    text: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Adapter:
    name: str
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a child process of ours finds the engine by itself, in OpenAI's protocol."""

    url: str
    """Ends in /v1."""
    model: str
    key: str | None = None
    socket: Path | None = None
    """A unix socket to go through; the URL's host means nothing then."""
    weights: Path | None = None
    """The directory that it serves, where that is known."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    state: State
    model: str
    window: int
    """Tokens that prompt and output may take together; 0 while unknown."""
    detail: str = ""
    restarts: int = 0


class Engine(ABC):
    """Closing the iterator that `stream` returned cancels the engine's work."""

    @abstractmethod
    def stream(self, request: EngineRequest) -> AsyncGenerator[Piece]:
        """Pieces as they are made. Raises EngineError, also in mid-stream."""

    @property
    @abstractmethod
    def tokens(self) -> TokenCounter:
        """The served model's own tokenizer. Raises EngineStarting while it is unknown."""

    @abstractmethod
    async def adapters(self) -> list[Adapter]: ...

    @abstractmethod
    async def load_adapter(self, name: str, path: Path) -> None: ...

    @abstractmethod
    async def unload_adapter(self, name: str) -> None: ...

    @abstractmethod
    def status(self) -> EngineStatus: ...

    def endpoint(self) -> Endpoint | None:
        """None where there is nothing to connect to."""
        return None

    async def start(self) -> None:
        """Begin to become ready; returns at once. `status` tells how far it is."""

    async def stop(self) -> None:
        """Leave nothing running behind."""
