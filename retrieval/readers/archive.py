"""A ZIP file whose maker is not trusted: what may be in it, and how much of it is read."""

import io
import zipfile
import zlib

from retrieval.errors import DamagedFile, EncryptedFile, OversizedFile

MOST_BYTES = 256 * 2**20
"""What all entries together may unpack to."""
MOST_ENTRIES = 20_000
_UTF8_NAMES = 0x800
_LOCKED = 0x1


class Archive:
    """Entries by their names. Nothing is unpacked to disk, no name is used as a path."""

    def __init__(self, data: bytes) -> None:
        """Raises DamagedFile, EncryptedFile or OversizedFile."""
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise DamagedFile("压缩包不完整，打不开，请重新导出或下载一份再导入。") from error
        self._entries = {_name(e): e for e in self._zip.infolist() if not e.is_dir()}
        self.names = tuple(self._entries)
        self._check()

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def read(self, name: str) -> bytes:
        """An entry's bytes. Raises DamagedFile: it is missing, cut off or not what its sum says."""
        if name not in self._entries:
            raise DamagedFile(f"压缩包里缺少 {name}，请重新导出或下载一份再导入。")
        try:
            # No more than the entry declares is ever unpacked; `_check` has counted that.
            return self._zip.read(self._entries[name])
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError,
                NotImplementedError, RuntimeError) as error:  # fmt: skip
            raise DamagedFile(f"压缩包里的 {name} 已损坏，请重新导出或下载一份再导入。") from error

    def _check(self) -> None:
        entries = self._entries.values()
        if any(e.flag_bits & _LOCKED for e in entries):
            raise EncryptedFile("压缩包设了密码，请取消密码后再导入。")
        if len(entries) > MOST_ENTRIES or sum(e.file_size for e in entries) > MOST_BYTES:
            raise OversizedFile(
                f"这个文件解开后超过 {MOST_BYTES // 2**20} MB，不像一本书，没有导入；"
                "请删去图片，或分成几个文件。"
            )


def _name(entry: zipfile.ZipInfo) -> str:
    """The entry's name; where it is not marked as UTF-8, Windows in China wrote GB18030."""
    if entry.flag_bits & _UTF8_NAMES:
        return entry.filename
    raw = entry.filename.encode("cp437", "replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename
