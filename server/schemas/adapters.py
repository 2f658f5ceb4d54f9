"""Wire shapes of adapters."""

from typing import Annotated

from pydantic import BaseModel, StringConstraints

from server.schemas.common import Wanted


class AdapterOut(BaseModel):
    name: str
    path: str | None = None


class AdapterLoad(Wanted):
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
