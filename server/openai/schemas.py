"""What a request below `/v1` may hold. Sizes are limited here, once.

Fields that are not named here are other engines' and pass through untouched; of `yanchi`, which
is ours, nothing unknown is taken.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic import ValidationError as Faults
from pydantic_core import PydanticCustomError, from_json
from starlette.requests import Request

from server.openai.errors import ApiError, from_validation

MOST_MESSAGES = 4096
MOST_STOPS = 32
MOST_INPUTS = 2048
MOST_BYTES = 32 * 2**20

Stop = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Note = Annotated[str, StringConstraints(max_length=100_000)]
Tokens = Annotated[int, Field(ge=1, le=10_000_000)]


class Loose(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class Ours(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Message(Loose):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Any = None

    @model_validator(mode="after")
    def _says_something(self) -> "Message":
        if self.content is None and self.role != "assistant":
            raise PydanticCustomError("value_error", "a message of this role needs 'content'")
        if not isinstance(self.content, str | list | None):
            raise PydanticCustomError("content_type", "'content' is a string or a list of parts")
        for part in self.content if isinstance(self.content, list) else ():
            _check_part(part)
        return self

    @property
    def text(self) -> str:
        """Its words; parts are joined. Only of messages that passed `text_only`."""
        if isinstance(self.content, list):
            return "\n".join(part["text"] for part in self.content if part["type"] == "text")
        return self.content or ""


def _check_part(part: Any) -> None:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise PydanticCustomError("content_type", "a content part is an object with a 'type'")
    if part["type"] == "text" and not isinstance(part.get("text"), str):
        raise PydanticCustomError("content_type", "a part of type 'text' has a string 'text'")


def text_only(messages: Sequence[Message], model: str) -> None:
    """Raises ApiError for pictures, sounds and files."""
    for number, message in enumerate(messages):
        for part in message.content if isinstance(message.content, list) else ():
            if part["type"] != "text":
                raise ApiError(
                    f"The model '{model}' reads text only; leave out the part of type"
                    f" '{part['type'][:40]}'.",
                    param=f"messages[{number}].content", code="unsupported_content_type",
                )  # fmt: skip


class StreamOptions(Loose):
    include_usage: bool | None = None


class Position(Ours):
    """A place in the telling. For a persona: as of when they speak."""

    chapter: Id
    offset: int | None = Field(default=None, ge=0, description="Null: the chapter's end.")


class YanchiIn(Ours):
    """What is asked of the desk beside the protocol."""

    position: Position | None = None
    beat: Note = Field(default="", description="Of a work: what happens next.")
    length: int | None = Field(
        default=None, ge=1, le=20_000, description="Of a work: target, characters."
    )
    viewpoint: Id | None = Field(default=None, description="Of a work: through whose eyes.")
    retrieval: bool = True
    overflow: Literal["drop", "refuse"] | None = Field(
        default=None,
        description="A conversation over the window: its oldest turns are dropped, or it is"
        " refused. Null: dropped for personas and works, the engine's own way for the others.",
    )
    user: Annotated[str, StringConstraints(min_length=1, max_length=100)] = "我"
    user_note: Note = Field(default="", description="Who the user is, as the persona knows it.")
    author_note: Note = ""
    author_depth: int = Field(default=2, ge=0, le=1000)
    prompt: bool = Field(default=False, description="Tell the whole prompt, not only its account.")


def _as_list(stop: Any) -> Any:
    return [stop] if isinstance(stop, str) else stop


class Asked(Loose):
    """What the two kinds of completion share."""

    model: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    max_tokens: Tokens | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    n: int | None = Field(default=None, ge=1, le=128)
    seed: int | None = Field(default=None, ge=-(2**63), le=2**63 - 1)
    stop: Annotated[list[Stop] | None, Field(max_length=MOST_STOPS), BeforeValidator(_as_list)] = (
        None
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: str | None = None
    yanchi: YanchiIn | None = None

    @model_validator(mode="after")
    def _options_of_a_stream(self) -> "Asked":
        if self.stream_options is not None and not self.stream:
            raise PydanticCustomError(
                "value_error", "'stream_options' is only allowed when 'stream' is true"
            )
        return self

    @property
    def wants_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)

    @property
    def most_tokens(self) -> int | None:
        return self.max_tokens


class ChatIn(Asked):
    messages: list[Message] = Field(min_length=1, max_length=MOST_MESSAGES)
    max_completion_tokens: Tokens | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    response_format: dict[str, Any] | None = None
    tools: list[dict[str, Any]] | None = Field(default=None, max_length=512)
    tool_choice: Any = None

    @property
    def most_tokens(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens


class CompletionIn(Asked):
    prompt: Any
    logprobs: int | None = Field(default=None, ge=0, le=20)
    echo: bool | None = None

    @model_validator(mode="after")
    def _is_a_prompt(self) -> "CompletionIn":
        one = isinstance(self.prompt, str) or _ids(self.prompt)
        many = isinstance(self.prompt, list) and all(
            isinstance(p, str) or _ids(p) for p in self.prompt
        )
        if not one and not many:
            raise PydanticCustomError(
                "prompt_type", "'prompt' is a string, a list of strings, or token ids"
            )
        if isinstance(self.prompt, list) and not one and len(self.prompt) > MOST_INPUTS:
            raise PydanticCustomError("value_error", "at most 2048 prompts are taken at once")
        return self

    @property
    def texts(self) -> list[str] | None:
        """The prompts as texts; None where they are token ids."""
        given = [self.prompt] if isinstance(self.prompt, str) else self.prompt
        return given if all(isinstance(p, str) for p in given) else None


def _ids(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(n) is int for n in value)


class EmbeddingsIn(Loose):
    model: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    input: Any
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(default=None, ge=1)

    @property
    def texts(self) -> list[str]:
        """Raises ApiError for anything but texts."""
        given = [self.input] if isinstance(self.input, str) else self.input
        if _ids(given) or (isinstance(given, list) and any(_ids(one) for one in given)):
            told = (
                "Invalid 'input': this model reads texts, not another model's token ids"
                " (in LangChain: check_embedding_ctx_length=False)."
            )
            raise ApiError(told, param="input", code="invalid_type")
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            told = "Invalid type for 'input': a string or a list of strings is expected."
            raise ApiError(told, param="input", code="invalid_type")
        if not given or any(not one for one in given):
            told = "Invalid 'input': there is an empty text in it."
            raise ApiError(told, param="input", code="invalid_value")
        if len(given) > MOST_INPUTS:
            told = f"Invalid 'input': at most {MOST_INPUTS} texts are taken, not {len(given)}."
            raise ApiError(told, param="input", code="array_above_max_length")
        return given


async def body_of(request: Request) -> bytes:
    """Raises ApiError (413) as soon as it is too large."""
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            told = f"The body is larger than {MOST_BYTES // 2**20} MiB."
            raise ApiError(told, status=413, code="request_too_large")
    return b"".join(parts)


Shape = TypeVar("Shape", bound=BaseModel)


def read(raw: bytes, shape: type[Shape]) -> tuple[dict[str, Any], Shape]:
    """(the body as it came, its checked shape). Raises ApiError."""
    try:
        told = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        sentence = f"The body is not valid JSON: {error}."
        raise ApiError(sentence, code="invalid_json") from error
    if not isinstance(told, dict):
        raise ApiError("The body has to be a JSON object.", code="invalid_json")
    try:
        return told, shape.model_validate(told)
    except Faults as error:
        raise from_validation(error.errors(include_url=False)) from error
