"""Wire shapes of long work in the background."""

from typing import Any, Literal

from pydantic import BaseModel, Field

State = Literal["queued", "running", "stopping", "done", "stopped", "failed"]


class JobError(BaseModel):
    code: str
    message: str


class JobProgress(BaseModel):
    done: int
    total: int = Field(description="0 while nobody knows.")
    note: str = ""


class JobOut(BaseModel):
    """Times are seconds since 1970."""

    id: str
    kind: str
    title: str
    state: State
    about: dict[str, Any]
    created: float
    started: float | None
    ended: float | None
    tries: int
    waits_behind: int = Field(0, description="Jobs of its kind that come before it.")
    progress: JobProgress | None = None
    error: JobError | None = None
    complaints: str = Field("", description="What it said last, where it failed.")
    result: dict[str, Any] | None = None
