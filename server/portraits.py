"""Pictures of characters: whatever comes in is decoded and drawn anew, small and without its past.

What is kept is a WebP of at most SIDE pixels a side, so that neither a file's tricks nor its
metadata reach another browser.
"""

import hashlib
import io

from PIL import Image, ImageOps
from sqlmodel import Session, select

from server.errors import Invalid, NotFound, TooLarge
from server.models import Character, Portrait, now

SIDE = 512
MOST_BYTES = 2 * 2**20
MOST_PIXELS = 25_000_000
"""A picture of more is not decoded: it would take hundreds of MB."""
FORMATS = ("PNG", "JPEG", "WEBP")
MEDIA_TYPE = "image/webp"


def get_portrait(session: Session, character: Character) -> Portrait:
    found = session.get(Portrait, character.id)
    if found is None:
        raise NotFound("这个人物还没有画像。", code="portrait_not_found")
    return found


def put_portrait(session: Session, character: Character, data: bytes) -> Portrait:
    """Raises TooLarge, or Invalid where the bytes are no picture of FORMATS."""
    image = drawn(data)
    row = session.get(Portrait, character.id)
    digest = hashlib.sha256(image).hexdigest()
    if row is None:
        row = Portrait(character_id=character.id, image=image, sha256=digest)
    row.image, row.sha256, row.updated_at = image, digest, now()
    session.add(row)
    return row


def with_portrait(session: Session, work_id: str) -> set[str]:
    """The ids of a work's characters that have one."""
    query = select(Portrait.character_id).join(Character).where(Character.work_id == work_id)
    return set(session.exec(query))


def drawn(data: bytes, most_bytes: int = MOST_BYTES) -> bytes:
    """The picture as it is kept. Raises as `put_portrait`."""
    if len(data) > most_bytes:
        raise TooLarge(f"画像不能超过 {most_bytes // 2**20} MB，请先缩小再传。")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            return _small(picture)
    # What a broken file makes a decoder raise is not one error: Pillow's own are all of these.
    except (
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise Invalid(
            "这不是能读的图片，请换一张 PNG、JPEG 或 WebP。", code="not_a_picture"
        ) from error  # fmt: skip


def _small(picture: Image.Image) -> bytes:
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise TooLarge("画像的像素太多，请先缩小再传。")
    picture.draft("RGB", (SIDE, SIDE))
    upright = ImageOps.exif_transpose(picture)
    clear = "A" in upright.getbands() or "transparency" in upright.info
    small = upright.convert("RGBA" if clear else "RGB")
    small.thumbnail((SIDE, SIDE))
    small.info.clear()
    made = io.BytesIO()
    small.save(made, "WEBP", quality=85, method=4)
    return made.getvalue()
