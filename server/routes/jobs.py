"""Long work in the background: what runs, how far it is, stopping it and going on."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Path, Query, status

from server.deps import TheDesk
from server.jobs.board import Jobs
from server.jobs.report import report
from server.schemas.jobs import JobOut
from server.sse import Event, EventStream

router = APIRouter(prefix="/api/jobs", tags=["jobs"])
JobId = Annotated[str, Path(pattern=r"^\d{8}-\d{6}-[0-9a-f]{6}$")]
LOOK_SECONDS = 0.5


@router.get("")
def list_jobs(
    desk: TheDesk,
    kind: Annotated[str | None, Query(max_length=40)] = None,
    most: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[JobOut]:
    """The newest first."""
    wanted = [job for job in desk.jobs.all() if kind in (None, job.kind)]
    return [report(desk.jobs, job) for job in wanted[:most]]


@router.get("/{job_id}")
def get_job(job_id: JobId, desk: TheDesk) -> JobOut:
    return report(desk.jobs, desk.jobs.get(job_id))


@router.get("/{job_id}/events", response_model=None)
def follow_job(job_id: JobId, desk: TheDesk) -> EventStream:
    """`job` whenever something about it changed; ends with the job."""
    desk.jobs.get(job_id)
    return EventStream(_following(desk.jobs, job_id))


@router.post("/{job_id}/stop")
def stop_job(job_id: JobId, desk: TheDesk) -> JobOut:
    """Asked to keep what it has and end; `state` is `stopping` until it has."""
    return report(desk.jobs, desk.jobs.stop(job_id))


@router.post("/{job_id}/again")
def go_on(job_id: JobId, desk: TheDesk) -> JobOut:
    """Queued once more; what was done is not done again."""
    return report(desk.jobs, desk.jobs.again(job_id))


@router.delete("/{job_id}", status_code=status.HTTP_204_NO_CONTENT)
def remove_job(job_id: JobId, desk: TheDesk) -> None:
    """With the tuning run that it wrote; what was published stays."""
    desk.jobs.remove(job_id)


async def _following(jobs: Jobs, ident: str) -> AsyncGenerator[Event]:
    last = None
    while True:
        job = await asyncio.to_thread(lambda: report(jobs, jobs.get(ident)))
        if job != last:
            yield Event("job", job.model_dump(mode="json"))
            last = job
        if job.state in ("done", "stopped", "failed"):
            return
        await asyncio.sleep(LOOK_SECONDS)
