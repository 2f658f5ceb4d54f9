"""Wire shapes of prompt templates."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, StringConstraints

from server.schemas.common import Shape, Wanted

Part = Annotated[str, StringConstraints(max_length=50_000)]


class TemplateOut(BaseModel):
    name: str
    version: str
    origin: str
    """`shipped`, `desk` or `work`: whose it is."""
    system: str
    user: str
    assistant: str


class TemplateSave(Wanted):
    system: Part
    user: Part
    assistant: Part = ""


class TemplateVersionOut(Shape):
    number: int
    shipped: bool
    system: str
    user: str
    assistant: str
    created_at: datetime
