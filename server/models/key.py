"""Who may use `/v1`, and what was used: one row a day, key, model and endpoint.

Use has no foreign key to its key: what was used stays told. `key_id` is empty for those who came
while the desk had no keys.
"""

from datetime import datetime

from sqlmodel import Field, SQLModel

from server.models.base import made_at, maybe_time, row_id


class ApiKey(SQLModel, table=True):
    id: str = row_id()
    name: str = Field(max_length=100)
    sha256: str = Field(max_length=64, unique=True)
    """Of the secret, which is shown once and kept nowhere."""
    hint: str = Field(max_length=20)
    """The secret's last characters, for its owner to tell keys apart."""
    requests_per_minute: int
    tokens_per_minute: int
    created_at: datetime = made_at()
    revoked_at: datetime | None = maybe_time()


class ApiUse(SQLModel, table=True):
    day: str = Field(primary_key=True, max_length=10)
    """ISO date, UTC."""
    key_id: str = Field(primary_key=True, max_length=32)
    model: str = Field(primary_key=True, max_length=300)
    endpoint: str = Field(primary_key=True, max_length=40)
    requests: int = 0
    failures: int = 0
    """Of the requests, those that ended with an error or were broken off."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
