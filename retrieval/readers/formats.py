"""Which format a file is in: by its content, which a suffix may contradict."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from retrieval.book import Doubt
from retrieval.encoding import OLE
from retrieval.errors import BinaryFile, DamagedFile, EncryptedFile, ReadError
from retrieval.readers.archive import Archive

SUFFIXES: Mapping[str, str] = {
    ".txt": "txt", ".text": "txt", ".md": "md", ".markdown": "md",
    ".docx": "docx", ".epub": "epub", ".pdf": "pdf",
}  # fmt: skip
"""Suffix to format; a name without one, or with a dot inside a Chinese name, is plain text."""

_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""The stream in which Word keeps a document with a password."""


def told_apart(data: bytes, filename: str) -> tuple[str, tuple[Doubt, ...]]:
    """The format, and what is doubtful about the suffix.

    Raises ReadError for a suffix that nobody reads, BinaryFile, DamagedFile and EncryptedFile
    for a content that is none of the formats.
    """
    suffix = PurePosixPath(filename.replace("\\", "/")).suffix.lower()
    named = SUFFIXES.get(suffix)
    found = _by_content(data)
    if found is None:
        _refuse_unknown(suffix)
        if named in ("docx", "epub", "pdf"):
            raise DamagedFile(f"这个文件不是 {named.upper()}，或者已经损坏，请重新导出一份再导入。")
        return named or "txt", ()
    if named == found:
        return found, ()
    told = (
        f"文件名的后缀是“{suffix or '空的'}”，内容却是 {found.upper()}，已按 {found.upper()} 读。"
    )
    return found, (Doubt("wrong_suffix", told),)


def _by_content(data: bytes) -> str | None:
    """docx, epub or pdf; None for everything else, which may be text."""
    if data.startswith(b"%PDF-"):
        return "pdf"
    if data.startswith(OLE):
        if _ENCRYPTED in data:
            raise EncryptedFile("这个 Word 文档设了密码，请在 Word 里取消密码后再导入。")
        raise BinaryFile("这是旧版 Word 文档（.doc），请在 Word 里另存为 DOCX 后再导入。")
    if not data.startswith(b"PK\x03\x04"):
        return None
    archive = Archive(data)
    if "word/document.xml" in archive:
        return "docx"
    if "META-INF/container.xml" in archive:
        return "epub"
    raise BinaryFile(
        "这个 ZIP 压缩包里不是 DOCX、EPUB，也不是砚池导出的工程，请先解压，再选里面的文件。"
    )


def _refuse_unknown(suffix: str) -> None:
    if suffix not in SUFFIXES and re.fullmatch(r"\.[a-z][a-z0-9]{0,4}", suffix):
        known = "、".join(sorted(s.removeprefix(".").upper() for s in SUFFIXES if len(s) < 6))
        raise ReadError(f"还不能导入 {suffix} 文件，请另存为 {known} 中的一种再导入。")
