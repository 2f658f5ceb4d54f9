"""Data sets: uploads, what is made of them, what is in them."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, UploadFile, status

from server.deps import TheDesk
from server.importing.uploads import check_size
from server.schemas.tuning import RowOut, UploadOut
from server.tuning.datasets import NAME, Datasets, Split

router = APIRouter(prefix="/api/datasets", tags=["training"])
DatasetName = Annotated[str, Path(pattern=NAME)]


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
