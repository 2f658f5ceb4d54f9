"""Portraits of a project file: a picture that this program drew stays byte for byte, others are
drawn anew.
"""

import io

from PIL import Image

from server.portraits import SIDE, drawn

_PLAIN_CHUNKS = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH"})
"""What a WebP without metadata consists of."""


def kept(image: bytes) -> bytes:
    """The picture as the desk keeps it. Raises as `portraits.drawn`."""
    return image if _is_drawn(image) else drawn(image)


def _is_drawn(image: bytes) -> bool:
    if not _kinds(image) <= _PLAIN_CHUNKS:
        return False
    try:
        with Image.open(io.BytesIO(image), formats=("WEBP",)) as picture:
            if max(picture.size) > SIDE or getattr(picture, "n_frames", 1) > 1:
                return False
            picture.load()
            return True
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False


def _kinds(image: bytes) -> set[bytes]:
    """The kinds of chunks in a WebP; `none` where it is not one from end to end."""
    if image[:4] != b"RIFF" or image[8:12] != b"WEBP":
        return {b"none"}
    kinds, place = set(), 12
    while place + 8 <= len(image):
        kinds.add(image[place : place + 4])
        length = int.from_bytes(image[place + 4 : place + 8], "little")
        place += 8 + length + length % 2
    whole = int.from_bytes(image[4:8], "little") + 8 == len(image) == place
    return kinds if whole else {b"none"}
