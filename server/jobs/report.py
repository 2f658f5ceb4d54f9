"""A job as the page sees it."""

from server.jobs.board import Jobs
from server.jobs.folder import Job
from server.schemas.jobs import JobError, JobOut, JobProgress


def report(jobs: Jobs, job: Job) -> JobOut:
    folder = jobs.folder(job.id)
    progress = folder.progress()
    return JobOut(
        id=job.id,
        kind=job.kind,
        title=job.title,
        state=job.state,
        about=job.about,
        created=job.created,
        started=job.started,
        ended=job.ended,
        tries=job.tries,
        waits_behind=_before(jobs, job) if job.state == "queued" else 0,
        progress=JobProgress.model_validate(progress) if progress else None,
        error=JobError.model_validate(job.error) if job.error else None,
        complaints=folder.complaints() if job.state == "failed" else "",
        result=folder.result() if job.state in ("done", "stopped") else None,
    )


def _before(jobs: Jobs, job: Job) -> int:
    others = (other for other in jobs.all() if other.lane == job.lane and not other.is_over)
    return sum(other.id < job.id for other in others)
