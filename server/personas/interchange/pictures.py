"""The picture of a card's PNG: the persona's own, else a plain sheet."""

import io

from PIL import Image

PLAIN = ((400, 600), (236, 231, 220))
"""Size and colour of the sheet, paper's."""


def as_png(picture: bytes | None) -> bytes:
    """`picture`: as it is kept (`server.portraits`)."""
    made = io.BytesIO()
    if picture is None:
        Image.new("RGB", *PLAIN).save(made, "PNG", optimize=True)
    else:
        with Image.open(io.BytesIO(picture)) as kept:
            kept.save(made, "PNG", optimize=True)
    return made.getvalue()
