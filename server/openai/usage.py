"""What was used: added up by day, key, model and endpoint in one statement, so that answers which
end together lose nothing of each other.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from server.models import ApiUse, now

_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_NAMES = ("day", "key_id", "model", "endpoint")
_COUNTS = ("requests", "failures", "prompt_tokens", "completion_tokens")


@dataclass(slots=True)
class Use:
    """Of one request."""

    key_id: str
    model: str
    endpoint: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    failed: bool = True
    """Until it has ended well."""

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def take(self, usage: dict[str, Any]) -> None:
        """From the protocol's `usage`."""
        self.prompt_tokens = int(usage.get("prompt_tokens") or 0)
        self.completion_tokens = int(usage.get("completion_tokens") or 0)


def add(session: Session, use: Use) -> None:
    row = {
        "day": now().date().isoformat(), "key_id": use.key_id, "model": use.model,
        "endpoint": use.endpoint, "requests": 1, "failures": int(use.failed),
        "prompt_tokens": use.prompt_tokens, "completion_tokens": use.completion_tokens,
    }  # fmt: skip
    statement = _INSERT[session.get_bind().dialect.name](ApiUse).values(row)
    added = {name: getattr(ApiUse, name) + row[name] for name in _COUNTS}
    session.connection().execute(
        statement.on_conflict_do_update(index_elements=list(_NAMES), set_=added)
    )


def list_use(session: Session, days: int, key_id: str | None = None) -> list[ApiUse]:
    """Of the last `days` days, today's first."""
    since = (now() - timedelta(days=days - 1)).date().isoformat()
    query = select(ApiUse).where(col(ApiUse.day) >= since)
    if key_id is not None:
        query = query.where(ApiUse.key_id == key_id)
    order = (col(ApiUse.day).desc(), ApiUse.key_id, ApiUse.model, ApiUse.endpoint)
    return list(session.exec(query.order_by(*order)))
