"""Wire shapes of API keys and their use."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from server.openai.keys import REQUESTS_A_MINUTE, TOKENS_A_MINUTE
from server.schemas.common import Shape, Wanted


class KeyNew(Wanted):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    requests_per_minute: int = Field(default=REQUESTS_A_MINUTE, ge=1, le=10**6)
    tokens_per_minute: int = Field(default=TOKENS_A_MINUTE, ge=1, le=10**9)


class KeyOut(Shape):
    id: str
    name: str
    hint: str = Field(description="The secret's last characters.")
    requests_per_minute: int
    tokens_per_minute: int
    created_at: datetime
    revoked_at: datetime | None


class KeyMade(KeyOut):
    secret: str


class UseOut(Shape):
    day: str = Field(description="UTC.")
    key_id: str = Field(description="Empty: without a key.")
    model: str
    endpoint: str
    requests: int
    failures: int
    prompt_tokens: int
    completion_tokens: int
