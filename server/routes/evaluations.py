"""Judging what was tuned: beside its base, with and without retrieval; reports to read."""

from typing import Annotated

from fastapi import APIRouter, Path, status
from starlette.responses import FileResponse

from server.deps import TheDesk
from server.errors import Invalid, NotFound
from server.jobs.folder import Folder
from server.jobs.report import report
from server.schemas.jobs import JobOut
from server.schemas.tuning import EvaluationIn
from server.tuning.runs import Runs

router = APIRouter(prefix="/api/evaluations", tags=["training"])
JobId = Annotated[str, Path(pattern=r"^\d{8}-\d{6}-[0-9a-f]{6}$")]
# The report is a page of its own, or stands in ours: nothing in it may run, and it reaches nobody.
REPORT_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)


@router.post("", status_code=status.HTTP_202_ACCEPTED)
def evaluate(wanted: EvaluationIn, desk: TheDesk) -> JobOut:
    """A job; its report is there when it is done."""
    if (wanted.run is None) == (wanted.adapter is None):
        raise Invalid("要评的是一次训练（run）或一个适配器（adapter），请给出其中一个。")

    def args(folder: Folder) -> list[str]:
        told = ["evaluate", "--out", str(folder.path / "report")]
        told += [f"--limit={wanted.limit}", f"--long={wanted.long}"]
        told += [f"--skip={part}" for part in wanted.skip]
        if wanted.run is not None:
            told += ["--run", str(Runs(desk.jobs).folder(wanted.run))]
        if wanted.adapter is not None:
            told += ["--adapter", wanted.adapter]
        for name in wanted.data:
            told += ["--data", name]
        return [*told, *(["--judged"] if wanted.judged else []), "--json", "--progress-json"]

    about = {"run": wanted.run, "adapter": wanted.adapter}
    return report(desk.jobs, desk.jobs.add("evaluate", "评测", args, about=about))


@router.get("/{job_id}/report.{form}", response_class=FileResponse)
def read_report(job_id: JobId, form: str, desk: TheDesk) -> FileResponse:
    path = desk.jobs.folder(job_id).path / "report" / f"report.{form}"
    if form not in ("html", "json") or not path.is_file():
        raise NotFound("还没有这份报告，请等评测做完。", code="no_report")
    media = "text/html" if form == "html" else "application/json"
    return FileResponse(path, media_type=media, headers={"content-security-policy": REPORT_POLICY})
