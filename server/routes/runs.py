"""Tuning runs: advice before one, the run itself and its log, publishing what came out."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, status

from server.deps import TheDesk
from server.errors import Conflict
from server.jobs.folder import Folder, Job
from server.jobs.report import report
from server.schemas.jobs import JobOut
from server.schemas.tuning import AdviceIn, LogOut, PublishIn, RunIn, RunOut, RunWhole
from server.sse import EventStream
from server.tuning.runs import CURSOR, START, Runs, write_recipe

router = APIRouter(prefix="/api/runs", tags=["training"])
RunId = Annotated[str, Path(pattern=r"^\d{8}-\d{6}-[0-9a-f]{6}$")]
After = Annotated[str, Query(pattern=CURSOR, description="`next` of what is known of the log.")]


@router.get("")
def list_runs(desk: TheDesk) -> list[RunOut]:
    """The newest first. Stopping, going on and removing: as with every job, by its id."""
    runs = Runs(desk.jobs)
    return [_told(runs, job) for job in runs.all()]


@router.post("", status_code=status.HTTP_201_CREATED)
def begin_run(wanted: RunIn, desk: TheDesk) -> RunOut:
    """Queued; one run has the machine at a time."""
    runs = Runs(desk.jobs)
    title = wanted.title or str(wanted.recipe.get("name", "训练"))
    return _told(runs, runs.begin(wanted.recipe, title=title, makes_room=wanted.makes_room))


@router.post("/advice", status_code=status.HTTP_202_ACCEPTED)
def advise(wanted: AdviceIn, desk: TheDesk) -> JobOut:
    """What is to be said of a recipe before it runs: the job's result."""

    def args(folder: Folder) -> list[str]:
        path = write_recipe(folder, wanted.recipe)
        probe = ["--probe"] if wanted.probe else ["--no-probe"]
        return ["advise", str(path), *probe, "--json", "--progress-json"]

    return report(desk.jobs, desk.jobs.add("advise", "参谋", args))


@router.get("/{run_id}")
def get_run(run_id: RunId, desk: TheDesk) -> RunWhole:
    runs = Runs(desk.jobs)
    job = runs.get(run_id)
    return RunWhole(**_told(runs, job).model_dump(), recipe=runs.recipe(job))


@router.get("/{run_id}/log")
def read_log(run_id: RunId, desk: TheDesk, after: After = START) -> LogOut:
    runs = Runs(desk.jobs)
    page = runs.log(runs.get(run_id), after)
    return LogOut(entries=page.entries, next=page.next, anew=page.anew)


@router.get(
    "/{run_id}/events",
    response_model=None,
    responses={200: {"content": {"text/event-stream": {}}}},
)
def follow_run(run_id: RunId, desk: TheDesk, after: After = START) -> EventStream:
    """`log` with new lines, `status` when it changed; ends with the run."""
    runs = Runs(desk.jobs)
    runs.get(run_id)
    return EventStream(runs.follow(run_id, after))


@router.post("/{run_id}/publish", status_code=status.HTTP_202_ACCEPTED)
def publish(run_id: RunId, wanted: PublishIn, desk: TheDesk) -> JobOut:
    """A new version among the adapters, and into the running engine once the job is done."""
    runs = Runs(desk.jobs)
    job = runs.get(run_id)
    if not runs.has_adapter(job) and wanted.step is None:
        raise Conflict(
            "这次训练还没有练出适配器：等它练完，或选一个存下的步数来发布。", code="no_adapter"
        )
    return report(desk.jobs, _publishing(runs, job, wanted))


def _publishing(runs: Runs, job: Job, wanted: PublishIn) -> Job:
    args = ["adapters", "publish", str(runs.folder(job.id)), "--json", "--progress-json"]
    for option, value in (("name", wanted.name), ("title", wanted.title), ("step", wanted.step)):
        if value is not None:
            args += [f"--{option}", str(value)]
    return runs.jobs.add(
        "publish", wanted.title or job.title, lambda _: args, about={"run": job.id}
    )


def _told(runs: Runs, job: Job) -> RunOut:
    return RunOut(
        job=report(runs.jobs, job),
        status=runs.status(job),
        checkpoints=runs.checkpoints(job),
        has_adapter=runs.has_adapter(job),
    )
