"""Wire shapes of the desk's state."""

from pydantic import BaseModel

from server.schemas.common import Shape


class EngineOut(Shape):
    state: str
    model: str
    window: int
    detail: str
    restarts: int


class HealthOut(BaseModel):
    version: str
    engine: EngineOut
    generations: int
    indexing: int
