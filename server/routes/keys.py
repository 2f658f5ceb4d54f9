"""The owner's view of `/v1`: its keys, and what was used with them."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from server.deps import Reading, RowId, Writing
from server.errors import NotFound
from server.openai import keys, usage
from server.schemas.keys import KeyMade, KeyNew, KeyOut, UseOut

router = APIRouter(prefix="/api/keys", tags=["keys"])


@router.get("")
def list_keys(session: Reading) -> list[KeyOut]:
    """Revoked ones too, the newest first."""
    return [KeyOut.model_validate(row) for row in keys.list_keys(session)]


@router.post("", status_code=status.HTTP_201_CREATED)
def make_key(wanted: KeyNew, session: Writing) -> KeyMade:
    """A new key; its secret is told here and never again. From the first one on, `/v1` asks for
    a key."""
    row, secret = keys.make_key(
        session, wanted.name, wanted.requests_per_minute, wanted.tokens_per_minute
    )
    return KeyMade(**KeyOut.model_validate(row).model_dump(), secret=secret)


@router.get("/use")
def list_use(
    session: Reading,
    days: Annotated[int, Query(ge=1, le=3660)] = 30,
    key_id: Annotated[str | None, Query(max_length=32, description="Empty: without a key.")] = None,
) -> list[UseOut]:
    """What was asked of `/v1`, by day, key, model and endpoint, today's first."""
    return [UseOut.model_validate(row) for row in usage.list_use(session, days, key_id)]


@router.delete("/{key_id}", status_code=status.HTTP_204_NO_CONTENT)
def revoke_key(key_id: RowId, session: Writing) -> None:
    """It opens nothing any more; what was used with it stays told."""
    if not keys.revoke_key(session, key_id):
        raise NotFound("没有这把密钥，可能已被删除。", code="key_not_found")
