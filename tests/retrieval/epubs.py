"""EPUBs as other programs make them, and as none should."""

import io
import zipfile
from collections.abc import Mapping, Sequence

CONTAINER = (
    '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="O/p.opf" media-type="application/oebps-package+xml"/>'
    "</rootfiles></container>"
)


def page(body: str, doctype: str = "<!DOCTYPE html>") -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>{doctype}<html xmlns="http://www.w3.org/1999/xhtml">'
        f"<head><title/></head><body>{body}</body></html>"
    )


def package(spine: Sequence[str], extra: str = "", toc: str = "") -> str:
    """`spine` are documents' file names in O/."""
    items = "".join(
        f'<item id="i{n}" href="{name}" media-type="application/xhtml+xml"/>'
        for n, name in enumerate(spine)
    )
    refs = "".join(f'<itemref idref="i{n}"/>' for n in range(len(spine)))
    return (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>归人</dc:title>'
        f"<dc:creator>某人</dc:creator></metadata><manifest>{items}{extra}</manifest>"
        f"<spine{toc}>{refs}</spine></package>"
    )


def nav(entries: str) -> str:
    return page(f'<nav epub:type="toc"><ol>{entries}</ol></nav>')


NAV_ITEM = '<item id="n" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'


def packed(files: Mapping[str, str | bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        for name, data in files.items():
            archive.writestr(name, data, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def epub(pages: Mapping[str, str], contents: str = "", **more: str | bytes) -> bytes:
    """Pages in the order of reading; `contents` are the nav's entries."""
    extra = NAV_ITEM if contents else ""
    files: dict[str, str | bytes] = {
        "META-INF/container.xml": CONTAINER,
        "O/p.opf": package(list(pages), extra),
        **{f"O/{name}": page(body) for name, body in pages.items()},
    }
    if contents:
        files["O/nav.xhtml"] = nav(contents)
    return packed(files | more)
