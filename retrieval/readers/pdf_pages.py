"""Every line of a PDF with its place, as JSON: a process of its own, `python -m`.

PDFium is native code and its files come from anywhere: a crash, a hang or a flood of memory
ends this process and not the desk. Reads the file from standard input.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from ctypes import byref, c_double, c_int
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

MOST_MEMORY = 3 * 2**30
MOST_CHARACTERS = 20_000_000
_LINE_ENDS = frozenset(map(ord, "\r\n"))


def main() -> None:
    _limit_memory()
    try:
        document = pypdfium2.PdfDocument(sys.stdin.buffer.read())
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower() or "security" in str(error).lower()
        json.dump({"error": "encrypted" if locked else "damaged"}, sys.stdout)
        return
    json.dump(told(document), sys.stdout)


def _limit_memory() -> None:
    """Where the system can: elsewhere the parent's patience is the only limit."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


def told(document: Any) -> dict[str, Any]:
    said = document.get_metadata_dict()
    pages: list[dict[str, Any]] = []
    characters = 0
    for page in document:
        width, height = page.get_size()
        lines = list(_lines(page.get_textpage()))
        characters += sum(len(line["text"]) for line in lines)
        if characters > MOST_CHARACTERS:
            return {"error": "oversized"}
        pages.append({"width": width, "height": height, "lines": lines})
        page.close()
    return {
        "title": said.get("Title", ""),
        "author": said.get("Author", ""),
        "pages": pages,
        "outline": list(_outline(document)),
    }


def _lines(text: Any) -> Iterator[dict[str, Any]]:
    """`left` and `right` edge, `base` line and `size` of the type, points; up is positive."""
    found: list[tuple[int, int]] = []
    for index in range(text.count_chars()):
        code = pdfium.FPDFText_GetUnicode(text.raw, index)
        if code not in _LINE_ENDS:
            found.append((index, code))
        elif found:
            yield from _line(text, found)
            found.clear()
    yield from _line(text, found)


def _line(text: Any, found: list[tuple[int, int]]) -> Iterator[dict[str, Any]]:
    """`found` are its characters: PDFium's index, code (a surrogate, where it takes two)."""
    told = b"".join(code.to_bytes(4, "little")[:2] if code < 0x10000 else
                    chr(code).encode("utf-16-le") for _, code in found)  # fmt: skip
    line = told.decode("utf-16-le", "replace").replace("\0", "")
    inked = [index for index, code in found if not chr(code).isspace()]
    if not inked:
        return
    left, _, _, _ = text.get_charbox(inked[0], loose=True)
    _, _, right, _ = text.get_charbox(inked[-1], loose=True)
    size = pdfium.FPDFText_GetFontSize(text.raw, inked[0])
    yield {"text": line, "left": left, "right": right, "base": _base(text, inked[0]), "size": size}


def _base(text: Any, index: int) -> float:
    x, y = c_double(), c_double()
    pdfium.FPDFText_GetCharOrigin(text.raw, c_int(index), byref(x), byref(y))
    return y.value


def _outline(document: Any) -> Iterator[dict[str, Any]]:
    for mark in document.get_toc(max_depth=6):
        target = mark.get_dest()
        yield {
            "title": mark.get_title(),
            "level": mark.level + 1,
            "page": target.get_index() if target is not None else None,
        }


if __name__ == "__main__":
    main()
