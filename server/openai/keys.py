"""The keys of `/v1`. The desk listens on this machine alone, so until its owner makes the first
key, whoever reaches it may come in; from then on a key is asked for.

Functions take an open session and leave the transaction to the caller.
"""

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from server.models import ApiKey, now
from server.openai.errors import ApiError
from server.rows import fetched

PREFIX = "yc-"
HINT = 4
REQUESTS_A_MINUTE = 6_000
TOKENS_A_MINUTE = 10_000_000


@dataclass(frozen=True, slots=True)
class Guest:
    """Who asks; `id` is empty for one who needed no key."""

    id: str = ""
    requests_per_minute: int = REQUESTS_A_MINUTE
    tokens_per_minute: int = TOKENS_A_MINUTE


def make_key(session: Session, name: str, requests: int, tokens: int) -> tuple[ApiKey, str]:
    """(the key, its secret, which nobody can read again)."""
    secret = PREFIX + secrets.token_urlsafe(32)
    row = ApiKey(
        name=name, sha256=_digest(secret), hint=secret[-HINT:],
        requests_per_minute=requests, tokens_per_minute=tokens,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row, secret


def list_keys(session: Session) -> list[ApiKey]:
    """Revoked ones too, the newest first."""
    return list(session.exec(select(ApiKey).order_by(col(ApiKey.created_at).desc())))


def revoke_key(session: Session, key_id: str) -> bool:
    """Whether there is such a key."""
    row = session.get(ApiKey, key_id)
    if row is None:
        return False
    row.revoked_at = row.revoked_at or now()
    session.add(row)
    return True


def admit(session: Session, authorization: str | None) -> Guest:
    """Who comes with this header. Raises ApiError (401).

    A key of ours that is not known, or no longer, never passes as nobody's.
    """
    secret = _secret(authorization)
    living = {sha256: Guest(*fields) for sha256, *fields in fetched(session, _LIVING)}
    found = living.get(_digest(secret))
    if found is not None:
        return found
    if living or secret.startswith(PREFIX):
        raise _refused(secret)
    return Guest()


_LIVING = columns(
    col(ApiKey.sha256),
    col(ApiKey.id),
    col(ApiKey.requests_per_minute),
    col(ApiKey.tokens_per_minute),
).where(col(ApiKey.revoked_at).is_(None))
"""A desk has few keys, and every request asks for them: one statement, built once."""


def _secret(authorization: str | None) -> str:
    scheme, _, secret = (authorization or "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _refused(secret: str) -> ApiError:
    told = (
        f"Incorrect API key provided: {secret[:3]}…{secret[-HINT:]}."
        if len(secret) > 3 * HINT
        else "You didn't provide an API key. Send it as 'Authorization: Bearer KEY'."
    )
    return ApiError(
        f"{told} Keys are made on the desk: POST /api/keys.",
        status=401, code="invalid_api_key", headers={"www-authenticate": "Bearer"},
    )  # fmt: skip
