"""The text chunks of a PNG (PNG specification, 11.3.4): where cards and lorebooks lie in it.

Only `tEXt` is read, as the card specifications have it: compressed text could unpack to anything.
"""

import binascii
import struct
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence

from server.personas.interchange.refusals import check_json_size, damaged

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_CHUNKS = 100_000
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")


def is_png(data: bytes) -> bool:
    return data.startswith(SIGNATURE)


def read_text(data: bytes, keywords: Sequence[str]) -> bytes | None:
    """What the first of these keywords that there is says, out of its base64; None where the file
    has none of them. Raises Invalid (damaged_file), TooLarge."""
    found: dict[bytes, bytes] = {}
    for kind, body in _chunks(data):
        keyword, parted, text = body.partition(b"\0")
        if kind == b"tEXt" and parted:
            found.setdefault(keyword.lower(), text)
    for wanted in keywords:
        if wanted.encode() in found:
            return _decoded(found[wanted.encode()])
    return None


def without_text(data: bytes) -> bytes:
    """The picture alone. Raises as `read_text`."""
    return SIGNATURE + b"".join(_chunk(k, body) for k, body in _chunks(data) if k not in _TEXTS)


def with_text(data: bytes, texts: Mapping[str, bytes]) -> bytes:
    """The picture with these texts, in base64, in place of what texts it had."""
    kept = [(k, body) for k, body in _chunks(data) if k not in _TEXTS]
    added = [(b"tEXt", k.encode() + b"\0" + b64encode(text)) for k, text in texts.items()]
    return SIGNATURE + b"".join(_chunk(*one) for one in [*kept[:-1], *added, *kept[-1:]])


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, body) up to IEND."""
    at = len(SIGNATURE)
    for _ in range(MOST_CHUNKS):
        if at + 12 > len(data):
            break
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind in _TEXTS:
            check_json_size(size * 3 // 4)
        body = data[at + 8 : at + 8 + size]
        at += 12 + size
        if at > len(data) or _sum(kind, body) != data[at - 4 : at]:
            break
        yield kind, body
        if kind == b"IEND":
            return
    raise damaged("这张 PNG 不完整或已损坏，里面的人物卡读不出来，请重新下载一份再导入。")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + _sum(kind, body)


def _sum(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", binascii.crc32(body, binascii.crc32(kind)))


def _decoded(text: bytes) -> bytes:
    try:
        return b64decode(b"".join(text.split()), validate=True)
    except binascii.Error as error:
        raise damaged(
            "图片里的人物卡不是完整的 base64，多半在传送中损坏了，请重新下载一份再导入。"
        ) from error
