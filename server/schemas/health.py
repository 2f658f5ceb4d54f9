"""Wire shapes of the desk's state."""

from typing import Literal

from pydantic import BaseModel, Field

from server.schemas.common import Shape


class EngineOut(Shape):
    state: str
    model: str
    window: int
    detail: str
    restarts: int


class TrainingNow(BaseModel):
    """The tuning run that has the machine."""

    run: str
    title: str
    step: int
    steps: int = Field(description="0 while it prepares.")


class HealthOut(BaseModel):
    version: str
    engine: EngineOut
    generations: int
    indexing: int
    training: TrainingNow | None = None


class HardwareOut(BaseModel):
    """Memory in GiB; the GPUs' is that of the smallest, because one model is served on one."""

    gpus: list[str]
    gpu_memory: float
    cores: int
    memory: float


class EngineReport(BaseModel):
    """What a page about models shows beyond the state that `/api/health` tells."""

    kind: Literal["vllm", "endpoint", "scripted"]
    """Our own vLLM, somebody else's endpoint, or the fake for demos."""
    hardware: HardwareOut | None
    """This machine; null where an endpoint elsewhere does the writing."""
    log: str | None
    """The folder of the engine's logs where it is our own."""
    adapters_dir: str
    adapters_on_disk: list[str]
    """Adapters that lie there, loaded or not."""
    embedding_model: str
    reranking_model: str | None
    vector_store: str
    recaps: str
    shares: dict[str, float]
    """The default share of each group of the prompt, in the prompt's order."""


class ComponentOut(Shape):
    name: str
    version: str
    license: str


class AboutOut(BaseModel):
    version: str
    license: str
    data_dir: str
    database: str
    """The database's file, or its server without the password."""
    bytes: int
    """Size of the database where it is a file, else 0."""
    components: list[ComponentOut]
    """Libraries of the service with their licences."""
