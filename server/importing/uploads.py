"""Files that wait for their author, from the upload to the import."""

import hashlib
from datetime import timedelta
from pathlib import Path

from fastapi import UploadFile
from sqlmodel import Session, col, select

from server.errors import NotFound, TooLarge
from server.importing.corrections import Corrections, from_json, to_json
from server.models import Upload, new_id, now

KEPT_FOR = timedelta(days=1)
"""How long an upload waits for its author before it is cleared away."""


def check_size(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge(
            f"文件有 {size / 2**20:.0f} MB，超过了上限 {limit / 2**20:.0f} MB，"
            "请分成几个文件导入，或调高 YANCHI_MAX_IMPORT_BYTES。"
        )


def uploaded(file: UploadFile, limit: int) -> bytes:
    """The bytes of an upload. Raises TooLarge."""
    check_size(file.size or 0, limit)
    data = file.file.read(limit + 1)
    check_size(len(data), limit)
    return data


def keep_upload(session: Session, folder: Path, filename: str, data: bytes) -> tuple[Upload, Path]:
    """Put a file aside until its author has looked at the preview; its row and where it lies."""
    folder.mkdir(parents=True, exist_ok=True)
    _clear_old(session, folder)
    upload = Upload(
        id=new_id(),
        filename=Path(filename).name[:300] or "未命名.txt",
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
    )
    _write(folder / upload.id, data)
    session.add(upload)
    return upload, folder / upload.id


def find_upload(session: Session, folder: Path, upload_id: str) -> tuple[Upload, Path]:
    """Its row and where its bytes lie."""
    upload = session.get(Upload, upload_id)
    path = folder / upload.id if upload else None
    if upload is None or path is None or not path.is_file():
        raise NotFound("这个待导入的文件已不在了，请重新上传。", code="upload_not_found")
    return upload, path


def drop_upload(session: Session, folder: Path, upload: Upload) -> None:
    session.delete(upload)
    forget(folder / upload.id)


def forget(path: Path) -> None:
    """The bytes of an upload, and what was wished of it."""
    path.unlink(missing_ok=True)
    _wish_of(path).unlink(missing_ok=True)


def remember(path: Path, wish: Corrections) -> None:
    """The corrections of the preview that the author is looking at."""
    _write(_wish_of(path), to_json(wish))


def recall(path: Path) -> Corrections:
    """Those of the last preview."""
    wish = _wish_of(path)
    return from_json(wish.read_bytes()) if wish.is_file() else Corrections()


def _wish_of(path: Path) -> Path:
    return path.with_suffix(".json")


def _write(path: Path, data: bytes) -> None:
    partial = path.with_suffix(f".{new_id()}.part")
    partial.write_bytes(data)
    partial.replace(path)


def _clear_old(session: Session, folder: Path) -> None:
    old = session.exec(select(Upload).where(col(Upload.created_at) < now() - KEPT_FOR))
    for upload in old:
        drop_upload(session, folder, upload)
