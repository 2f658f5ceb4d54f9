"""One question whose answer is checked: asked again once with the reason, then given up.

An answer is text, or JSON of a pydantic model's form; the engine is told the form, and what
comes back is checked all the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from retrieval.types import Message
from training.errors import TrainingError
from training.served.client import Answer, Client, Sampling, Schema

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

DEFAULT = Sampling()
SHOWN_AGAIN = 2000
"""Characters of an answer that the model is shown when it is asked again."""
_AGAIN = "上面的回答不能用：{reason}。请重新回答，只给出结果，不要解释。"


class Unusable(TrainingError):
    """An answer that does not hold; `str(error)` says why, to the model and to people."""

    code = "unusable_answer"


@dataclass(frozen=True)
class Ask(Generic[T]):
    """`read` makes the value of an answer, or raises Unusable; `mend` makes of the last answer
    what can be made of it when asking again has not helped, or raises Unusable."""

    messages: tuple[Message, ...]
    read: Callable[[str], T]
    mend: Callable[[str], T] | None = None
    form: type[BaseModel] | None = None
    sampling: Sampling = DEFAULT

    @property
    def schema(self) -> Schema | None:
        return None if self.form is None else schema_of(self.form)

    def value(self, text: str) -> T:
        """Of an answer that was taken before. Raises Unusable."""
        try:
            return self.read(text)
        except Unusable:
            if self.mend is None:
                raise
            return self.mend(text)


@dataclass(frozen=True)
class Taken(Generic[T]):
    """`nonsense` counts the answers that could not be used before `text`, or as it stood."""

    value: T
    text: str
    nonsense: int


class Nonsense(Unusable):
    """Asking again did not help either; `count` answers were no use."""

    def __init__(self, reason: str, count: int) -> None:
        super().__init__(reason)
        self.count = count


def ask_checked(client: Client, ask: Ask[T]) -> Taken[T]:
    """Raises Nonsense, and PromptRefused and EngineUnreachable as `Client.ask`."""
    first = client.ask(ask.messages, ask.sampling, ask.schema)
    try:
        return Taken(_read(ask, first), first.text, 0)
    except Unusable as error:
        reason = str(error)
    said = Message("assistant", first.text[:SHOWN_AGAIN])
    again = Message("user", _AGAIN.format(reason=reason))
    sampling = replace(ask.sampling, seed=ask.sampling.seed + 1)
    second = client.ask((*ask.messages, said, again), sampling, ask.schema)
    try:
        return Taken(_read(ask, second), second.text, 1)
    except Unusable as error:
        return _mended(ask, second.text, error)


def _read(ask: Ask[T], answer: Answer) -> T:
    if answer.is_cut:
        raise Unusable("太长，没有说完")
    return ask.read(answer.text)


def _mended(ask: Ask[T], text: str, why: Unusable) -> Taken[T]:
    if ask.mend is None:
        raise Nonsense(str(why), 2) from why
    try:
        return Taken(ask.mend(text), text, 2)
    except Unusable as error:
        raise Nonsense(str(error), 2) from error


def parsed(form: type[M], text: str) -> M:
    """JSON of this form, with or without a fence around it. Raises Unusable."""
    bare = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    try:
        return form.model_validate_json(bare)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "整个回答"
        raise Unusable(f"不合 JSON 的格式（{place}：{first['msg']}）") from error


@cache
def schema_of(form: type[BaseModel]) -> Schema:
    return Schema(form.__name__.lower(), form.model_json_schema())
