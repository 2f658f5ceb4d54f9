"""A plain text's bytes to lines."""

from retrieval.book import Doubt, Source
from retrieval.encoding import decode, readable


def read_text(data: bytes, encoding: str | None = None) -> Source:
    decoded = decode(data, encoding)
    stray = tuple(Doubt("stray_bytes", w.message, w.line) for w in decoded.warnings)
    return Source(
        "txt",
        decoded.text.split("\n"),
        doubts=stray,
        encoding=decoded.encoding,
        encodings=readable(data, decoded.encoding),
    )
