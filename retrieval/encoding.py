"""Bytes of a text file to Unicode, for the encodings Chinese texts come in.

Knows UTF-8, UTF-16, GB18030 (hence GBK and GB2312) and Big5 (hence HKSCS and cp950). Knows
nothing of chapters or books. UTF-8 vouches for itself; the others are told apart by how much
each reading looks like written Chinese, because almost any bytes are valid in several.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from retrieval.errors import BinaryFile, EmptyText, MixedEncoding, UnknownEncoding
from retrieval.written_chinese import CONTROL, score

SAMPLE_BYTES = 64 * 1024
STRAY_SHARE = 1 / 10_000
"""Undecodable places that are forgiven, as a share of all characters."""
STRAY_PER_LINE = 2
"""More broken places than this in one line are a passage in another encoding."""
CONTROL_SHARE = 0.005
MISNAMED_SHARE = 0.02
"""More broken places than this, and the file is not in the encoding that was named."""
WORST_SCORE = -2.5
"""What looks less like Chinese than this is not offered to choose from."""

_ADVICE = "请在文本编辑器里把全文另存为 UTF-8 后再导入"
_NAMES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
    "gb18030": "GB18030",
    "big5hkscs": "Big5",
    "cp950": "Big5",
}
_SUPERSETS = {"gb2312": "gb18030", "gbk": "gb18030", "cp936": "gb18030", "big5": "big5hkscs"}
_LEGACY = ("gb18030", "big5hkscs", "cp950")
CHOICES = ("utf-8", "gb18030", "big5hkscs", "utf-16-le", "utf-16-be")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16 LE, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAGIC = (
    (b"\x89PNG", "PNG 图片"),
    (b"\xff\xd8\xff", "JPEG 图片"),
    (b"GIF8", "GIF 图片"),
    (b"%PDF-", "PDF 文件"),
    (b"PK\x03\x04", "ZIP 压缩包（DOCX、EPUB 也是这种格式）"),
    (OLE, "旧版 Word 文档"),
    (b"Rar!\x1a\x07", "RAR 压缩包"),
    (b"7z\xbc\xaf\x27\x1c", "7z 压缩包"),
    (b"\x1f\x8b\x08", "gzip 压缩包"),
    (b"\x7fELF", "程序文件"),
    (b"SQLite format 3\x00", "数据库文件"),
)


@dataclass(frozen=True, slots=True)
class Damage:
    """A place that could not be read and now holds U+FFFD; `line` is 1-based."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """`text` has `\\n` line ends, no byte order mark and no NUL; `encoding` is a codec's name."""

    text: str
    encoding: str
    warnings: tuple[Damage, ...] = ()


def decode(data: bytes, encoding: str | None = None) -> Decoded:
    """Read `data` as text; `encoding`, any codec Python knows, overrides detection.

    Line ends become `\\n`; nothing else changes. A few broken characters at single places
    become U+FFFD with a warning each.

    Raises EmptyText, BinaryFile, UnknownEncoding or MixedEncoding.
    """
    if not data.strip():
        raise EmptyText("这个文件是空的，请换一个有内容的文件。")
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            raise BinaryFile(f"这不是文本文件，而是{kind}，请导出为 TXT 或 Markdown 后再导入。")
    if encoding is not None:
        return _decode_named(data, encoding)
    codec = next((codec for bom, codec in _BOMS if data.startswith(bom)), None)
    if codec is None:
        codec = "utf-8" if _is_utf8(data) else _detect(data)
    return _decode_as(data, codec)


def readable(data: bytes, used: str) -> tuple[str, ...]:
    """The encodings that the beginning of a file can be read in, for its author to choose from:
    `used` first."""
    sample = _sample(data)
    others = (c for c in CHOICES if _NAMES[c] != _NAMES.get(used, used))
    return used, *(c for c in others if _legible(_sample_text(sample, c)))


def _legible(text: str) -> bool:
    return text.count("\ufffd") <= MISNAMED_SHARE * len(text) and score(text) > WORST_SCORE


def _is_utf8(data: bytes) -> bool:
    if b"\0" in data:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _detect(data: bytes) -> str:
    """The codec whose reading looks most like Chinese prose."""
    wide = b"\0" in data
    codecs_ = ("utf-16-le", "utf-16-be") + (() if wide else ("utf-8", *_LEGACY))
    sample = _sample(data)
    scores = {codec: score(_sample_text(sample, codec)) for codec in codecs_}
    best = max(codecs_, key=scores.__getitem__)
    if scores[best] >= 0:
        return best
    if wide or len(re.findall(rb"[\x01-\x08\x0e-\x19\x1c-\x1f]", data)) > CONTROL_SHARE * len(data):
        raise BinaryFile("这不是文本文件，请选择 TXT 或 Markdown 文件。")
    _refuse_patchwork(data)
    raise UnknownEncoding(
        f"认不出这个文件的编码（支持 UTF-8、UTF-16、GB18030 和 Big5），{_ADVICE}。"
    )


def _sample(data: bytes) -> bytes:
    """Up to SAMPLE_BYTES from the first line that is not plain ASCII."""
    first = re.search(rb"[\x80-\xff]", data)
    at = first.start() if first else 0
    start = data.rfind(b"\n", 0, at) + 1
    if at - start > SAMPLE_BYTES // 2:
        start = at
    start -= start % 2  # UTF-16 is read in pairs; what stood before is one ASCII byte
    return data[start : start + SAMPLE_BYTES]


def _sample_text(sample: bytes, codec: str) -> str:
    decoder = codecs.getincrementaldecoder(codec)("replace")
    return decoder.decode(sample, final=False)


def _decode_named(data: bytes, encoding: str) -> Decoded:
    try:
        name = codecs.lookup(encoding).name
        text = data.decode(_SUPERSETS.get(name, name), "replace")
    except (LookupError, ValueError) as error:
        raise UnknownEncoding(
            f"没有能读这个文件的文字编码“{encoding}”，请改用 utf-8、utf-16、gb18030 或 big5。"
        ) from error
    surrogates = re.search(r"[\ud800-\udfff]", text)
    if surrogates or text.count("\ufffd") > MISNAMED_SHARE * len(text):
        raise UnknownEncoding(
            f"这个文件不是 {encoding} 编码的，请换一种编码，或不指定编码以自动识别。"
        )
    return _decode_as(data, _SUPERSETS.get(name, name))


def _decode_as(data: bytes, codec: str) -> Decoded:
    try:
        text, broken = data.decode(codec), False
    except UnicodeDecodeError:
        text, broken = data.decode(codec, "replace"), True
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    _refuse_controls(text)
    if not text.strip("\ufeff\u200b \t\n\r\f\v\u3000\xa0\x1a"):
        raise EmptyText("这个文件里只有空白，请换一个有内容的文件。")
    if codec in _LEGACY or (broken and codec.startswith("utf-8")):
        _refuse_mixture(data, codec)
    return Decoded(text, codec, _damage(text, codec) if broken else ())


def _refuse_controls(text: str) -> None:
    if "\0" in text or len(CONTROL.findall(text)) > CONTROL_SHARE * len(text):
        raise BinaryFile("这个文件里有大量不可见的控制字符，不是文本文件，请换成 TXT 或 Markdown。")


def _refuse_mixture(data: bytes, codec: str) -> None:
    """Some mixtures decode without an error, so lines are judged one by one."""
    for number, line, reading in _readings(data, codec):
        others = [c for c in ("utf-8", *_LEGACY) if _NAMES[c] != _NAMES.get(codec, codec)]
        other = next((c for c in others if _reads_better(line, c, reading)), None)
        if other is not None:
            raise MixedEncoding(
                f"这个文件大部分是 {_NAMES.get(codec, codec)}，第 {number} 行却是"
                f" {_NAMES[other]}，{_ADVICE}。"
            )


def _refuse_patchwork(data: bytes) -> None:
    """No encoding reads the whole: perhaps each line reads in one of several."""
    own = [
        (number, next((c for c in ("utf-8", *_LEGACY) if _reads_well(line, c)), None))
        for number, line, _ in _readings(data[:SAMPLE_BYTES], "utf-8")
    ]
    known = [(number, codec) for number, codec in own if codec is not None]
    if len({codec for _, codec in known}) < 2 or len(known) < len(own) * 0.9:
        return
    change = next(number for number, codec in known if codec != known[0][1])
    raise MixedEncoding(
        f"这个文件混用了几种编码：开头是 {_NAMES[known[0][1]]}，第 {change} 行起不是了，{_ADVICE}。"
    )


def _reads_well(line: bytes, codec: str) -> bool:
    try:
        return score(line.decode(codec)) > 0
    except UnicodeDecodeError:
        return False


def _readings(data: bytes, codec: str) -> Iterator[tuple[int, bytes, str]]:
    """Lines with enough characters outside ASCII to be judged: number, bytes, reading."""
    whole = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for number, line in enumerate(whole.split(b"\n"), 1):
        if len(line) >= 9 and not line.isascii():
            yield number, line, line.decode(codec, "replace")


def _reads_better(line: bytes, codec: str, reading: str) -> bool:
    """Whether `codec` reads the whole line, and clearly better.

    UTF-8 needs little proof, as other text is hardly ever valid in it by chance; the legacy
    encodings need a line long enough for statistics.
    """
    if codec != "utf-8" and (score(reading) > -1 or len(line) < 24):
        return False
    try:
        text = line.decode(codec)
    except UnicodeDecodeError:
        return False
    return score(text) > max(0.0, score(reading) + 1)


def _damage(text: str, codec: str) -> tuple[Damage, ...]:
    """Warnings for broken places, or an error where there are too many of them.

    Raises MixedEncoding.
    """
    spots = list(_broken_lines(text.split("\n")))
    cut_off = text.endswith("\ufffd")  # a file that stops inside its last character
    total = sum(count for _, count in spots) - cut_off
    name = _NAMES.get(codec, codec)
    if total > STRAY_SHARE * len(text) or any(count > STRAY_PER_LINE for _, count in spots):
        raise MixedEncoding(
            f"按 {name} 读到第 {spots[0][0]} 行时读不下去，文件可能损坏或混有别的编码，{_ADVICE}。"
        )
    return tuple(
        Damage(line, f"第 {line} 行有 {count} 处文字已损坏，无法还原，暂以“\ufffd”代替，请核对。")
        for line, count in spots
    )


def _broken_lines(lines: Iterable[str]) -> Iterator[tuple[int, int]]:
    for number, line in enumerate(lines, 1):
        if count := line.count("\ufffd"):
            yield number, count
