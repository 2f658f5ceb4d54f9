"""Data sets: uploads, what is made of them, what is in them."""

from pathlib import Path as File
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, UploadFile, status
from sqlmodel import Session

from server import manuscript
from server.deps import Reading, TheDesk
from server.exporting.formats import export_work
from server.importing.uploads import check_size
from server.jobs.folder import Folder
from server.jobs.report import report
from server.models import Work
from server.schemas.building import (
    BuildIn,
    OfTexts,
    RolesOut,
    SourceOut,
    SummariesIn,
    SummariesOut,
    TrialIn,
)
from server.schemas.jobs import JobOut
from server.schemas.tuning import RowOut, UploadOut
from server.settings import SAMPLE
from server.tuning import makers
from server.tuning.datasets import NAME, UPLOAD, Datasets, Split
from server.tuning.recognising import recognise
from server.tuning.summaries import Summaries

router = APIRouter(prefix="/api/datasets", tags=["training"])
DatasetName = Annotated[str, Path(pattern=NAME)]
UploadId = Annotated[str, Path(pattern=UPLOAD)]
SCRIPT = SAMPLE / "script.txt"


@router.get("")
def list_datasets(desk: TheDesk) -> list[dict[str, Any]]:
    """Their cards, the newest first."""
    return Datasets(desk.settings.data_dir).cards()


@router.post("/uploads", status_code=status.HTTP_201_CREATED)
def upload_source(file: UploadFile, desk: TheDesk) -> UploadOut:
    """A file to make a data set of; it waits a week."""
    limit = desk.settings.max_import_bytes
    check_size(file.size or 0, limit)
    data = file.file.read(limit + 1)
    check_size(len(data), limit)
    datasets = Datasets(desk.settings.data_dir)
    ident = datasets.keep(file.filename or "", data)
    return UploadOut(id=ident, filename=datasets.upload(ident).name, bytes=len(data))


@router.post("/uploads/sample", status_code=status.HTTP_201_CREATED)
def take_sample(desk: TheDesk) -> UploadOut:
    """The short play that comes with the desk, as if it had been uploaded."""
    datasets = Datasets(desk.settings.data_dir)
    data = SCRIPT.read_bytes()
    return UploadOut(id=datasets.keep(SCRIPT.name, data), filename=SCRIPT.name, bytes=len(data))


@router.get("/uploads/{upload_id}")
def look_at_upload(upload_id: UploadId, desk: TheDesk) -> SourceOut:
    """What it was recognised as."""
    path = Datasets(desk.settings.data_dir).upload(upload_id)
    return SourceOut(id=upload_id, **recognise(path))


@router.get("/uploads/{upload_id}/roles")
async def list_roles(upload_id: UploadId, desk: TheDesk) -> RolesOut:
    """Who speaks how often in it, read as a script."""
    path = Datasets(desk.settings.data_dir).upload(upload_id)
    return RolesOut.model_validate(await makers.roles(path))


@router.post("", status_code=status.HTTP_202_ACCEPTED)
def build(wanted: BuildIn, desk: TheDesk, session: Reading) -> JobOut:
    """A job; the data set of this name is there when it is done (or the summaries)."""
    data_dir = desk.settings.data_dir
    uploads = makers.check(wanted, data_dir)
    work = _work(session, wanted) if isinstance(wanted, OfTexts) else None

    def args(folder: Folder) -> list[str]:
        texts = [*uploads, *_manuscript(session, work, folder)]
        return makers.command(wanted, makers.Place(data_dir, folder.input, texts))

    outcome = "summaries" if isinstance(wanted, SummariesIn) else "dataset"
    about = {outcome: wanted.name, "maker": wanted.maker}
    return report(desk.jobs, desk.jobs.add("data", wanted.name, args, about=about))


@router.post("/trials", status_code=status.HTTP_202_ACCEPTED)
def try_variants(wanted: TrialIn, desk: TheDesk, session: Reading) -> JobOut:
    """A job; its result has what each way of asking made of the same sample, side by side."""
    data_dir = desk.settings.data_dir
    uploads = makers.texts(wanted, Datasets(data_dir))
    work = _work(session, wanted)

    def args(folder: Folder) -> list[str]:
        texts = [*uploads, *_manuscript(session, work, folder)]
        return makers.trial(wanted, makers.Place(data_dir, folder.input, texts))

    about = {"maker": wanted.maker}
    return report(desk.jobs, desk.jobs.add("trial", "试问法", args, about=about))


@router.get("/summaries/all")
def list_summaries(desk: TheDesk) -> list[SummariesOut]:
    """What was made of books' pieces, by name; the newest first."""
    return [SummariesOut(**each) for each in Summaries(desk.settings.data_dir).all()]


def _work(session: Session, wanted: OfTexts | TrialIn) -> Work | None:
    return None if wanted.work_id is None else manuscript.get_work(session, wanted.work_id)


def _manuscript(session: Session, work: Work | None, folder: Folder) -> list[File]:
    """The work as a text with its headings, beside the job that reads it."""
    if work is None:
        return []
    path = folder.input / f"{work.id}.txt"
    path.write_bytes(export_work(session, work, "txt"))
    return [path]


@router.get("/{name}")
def get_dataset(name: DatasetName, desk: TheDesk) -> dict[str, Any]:
    return Datasets(desk.settings.data_dir).card(name)


@router.get("/{name}/rows")
def read_rows(
    name: DatasetName,
    desk: TheDesk,
    split: Split = "train",
    skip: Annotated[int, Query(ge=0)] = 0,
    most: Annotated[int, Query(ge=1, le=200)] = 20,
) -> list[RowOut]:
    rows = Datasets(desk.settings.data_dir).rows(name, split, skip, most)
    return [RowOut(number=row.number, item=row.item) for row in rows]


@router.delete("/{name}", status_code=status.HTTP_204_NO_CONTENT)
def remove_dataset(name: DatasetName, desk: TheDesk) -> None:
    """Into the bin beside the others (`datasets/.bin`)."""
    Datasets(desk.settings.data_dir).remove(name)
