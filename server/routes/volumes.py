"""Volumes of a work, and the order of everything in it."""

from fastapi import APIRouter, status

from server import manuscript, ordering
from server.deps import Reading, RowId, TheDesk, WorkId, Writing
from server.models import Volume
from server.routes.chapters import all_out
from server.schemas.manuscript import VolumeChange, VolumeNew, VolumeOut
from server.schemas.order import OrderIn, OrderOut

router = APIRouter(prefix="/api/works/{work_id}", tags=["volumes"])


@router.get("/volumes")
def list_volumes(work_id: WorkId, session: Reading) -> list[VolumeOut]:
    manuscript.get_work(session, work_id)
    return [VolumeOut.model_validate(v) for v in manuscript.list_volumes(session, work_id)]


@router.post("/volumes", status_code=status.HTTP_201_CREATED)
def create_volume(work_id: WorkId, wanted: VolumeNew, session: Writing) -> VolumeOut:
    manuscript.get_work(session, work_id)
    place = len(manuscript.list_volumes(session, work_id))
    volume = Volume(work_id=work_id, position=place, title=wanted.title)
    session.add(volume)
    session.flush()
    return VolumeOut.model_validate(volume)


@router.patch("/volumes/{volume_id}")
def change_volume(
    work_id: WorkId, volume_id: RowId, change: VolumeChange, session: Writing, desk: TheDesk
) -> VolumeOut:
    volume = manuscript.get_volume(session, work_id, volume_id)
    if change.title is not None:
        volume.title = change.title
        session.add(volume)
    if change.position is not None:
        ordering.move_volume(session, volume, change.position)
    session.commit()
    _told(desk, work_id)
    return VolumeOut.model_validate(volume)


@router.delete("/volumes/{volume_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_volume(work_id: WorkId, volume_id: RowId, session: Writing, desk: TheDesk) -> None:
    """The volume goes; its chapters stay where they are, in no volume."""
    session.delete(manuscript.get_volume(session, work_id, volume_id))
    session.commit()
    desk.recaps.request(work_id)


@router.put("/order")
def put_in_order(work_id: WorkId, wanted: OrderIn, session: Writing, desk: TheDesk) -> OrderOut:
    """The whole order at once: every volume and every chapter exactly once, loose ones first."""
    work = manuscript.get_work(session, work_id)
    ordering.arrange(session, work_id, wanted.loose, [(v.id, v.chapters) for v in wanted.volumes])
    session.commit()
    _told(desk, work_id)
    return OrderOut(
        volumes=[VolumeOut.model_validate(v) for v in manuscript.list_volumes(session, work_id)],
        chapters=all_out(work, manuscript.list_chapters(session, work_id)),
    )


def _told(desk: TheDesk, work_id: str) -> None:
    desk.indexer.request(work_id)
    desk.recaps.request(work_id)
