"""Works and their volumes."""

from fastapi import APIRouter, status

from server import manuscript
from server.deps import Reading, RowId, TheDesk, WorkId, Writing
from server.models import Volume, Work, now
from server.schemas.manuscript import VolumeNew, VolumeOut, WorkChange, WorkNew, WorkOut

router = APIRouter(prefix="/api/works", tags=["works"])


@router.get("")
def list_works(session: Reading) -> list[WorkOut]:
    works = manuscript.list_works(session)
    sizes = manuscript.work_chars(session, [w.id for w in works])
    return [_out(work, sizes.get(work.id, (0, 0))) for work in works]


@router.post("", status_code=status.HTTP_201_CREATED)
def create_work(wanted: WorkNew, session: Writing) -> WorkOut:
    work = Work(**wanted.model_dump())
    session.add(work)
    session.flush()
    return _out(work, (0, 0))


@router.get("/{work_id}")
def get_work(work_id: WorkId, session: Reading) -> WorkOut:
    work = manuscript.get_work(session, work_id)
    return _out(work, manuscript.work_chars(session, [work.id]).get(work.id, (0, 0)))


@router.patch("/{work_id}")
def change_work(work_id: WorkId, change: WorkChange, session: Writing) -> WorkOut:
    work = manuscript.get_work(session, work_id)
    work.sqlmodel_update(change.model_dump(exclude_none=True))
    work.updated_at = now()
    session.add(work)
    return _out(work, manuscript.work_chars(session, [work.id]).get(work.id, (0, 0)))


@router.delete("/{work_id}", status_code=status.HTTP_204_NO_CONTENT)
def bin_work(work_id: WorkId, session: Writing, desk: TheDesk) -> None:
    work = manuscript.get_work(session, work_id)
    work.deleted_at = now()
    session.add(work)
    desk.library.drop(work_id)


@router.get("/{work_id}/volumes")
def list_volumes(work_id: WorkId, session: Reading) -> list[VolumeOut]:
    manuscript.get_work(session, work_id)
    return [VolumeOut.model_validate(v) for v in manuscript.list_volumes(session, work_id)]


@router.post("/{work_id}/volumes", status_code=status.HTTP_201_CREATED)
def create_volume(work_id: WorkId, wanted: VolumeNew, session: Writing) -> VolumeOut:
    manuscript.get_work(session, work_id)
    place = len(manuscript.list_volumes(session, work_id))
    volume = Volume(work_id=work_id, position=place, title=wanted.title)
    session.add(volume)
    session.flush()
    return VolumeOut.model_validate(volume)


@router.patch("/{work_id}/volumes/{volume_id}")
def rename_volume(
    work_id: WorkId, volume_id: RowId, wanted: VolumeNew, session: Writing
) -> VolumeOut:
    volume = manuscript.get_volume(session, work_id, volume_id)
    volume.title = wanted.title
    session.add(volume)
    return VolumeOut.model_validate(volume)


@router.delete("/{work_id}/volumes/{volume_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_volume(work_id: WorkId, volume_id: RowId, session: Writing, desk: TheDesk) -> None:
    """The volume goes; its chapters stay where they are, in no volume."""
    session.delete(manuscript.get_volume(session, work_id, volume_id))
    session.commit()
    desk.recaps.request(work_id)


def _out(work: Work, size: tuple[int, int]) -> WorkOut:
    out = WorkOut.model_validate(work)
    return out.model_copy(update={"chapters": size[0], "chars": size[1]})
