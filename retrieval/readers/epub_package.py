"""What an EPUB says of itself: where its documents lie, their order, and its table of contents."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from retrieval.errors import DamagedFile, EncryptedFile
from retrieval.readers.archive import Archive
from retrieval.readers.xhtml import parse

_OBFUSCATED = {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}
"""Fonts may be; that locks no text."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the table of contents: `level` from 1, `target` a document's name in the archive."""

    level: int
    label: str
    target: str
    fragment: str


@dataclass(frozen=True, slots=True)
class Package:
    title: str
    author: str
    spine: tuple[str, ...]
    """The documents in the order of reading, without the table of contents."""
    contents: tuple[Entry, ...]


def read_package(archive: Archive) -> Package:
    """Raises DamagedFile or EncryptedFile."""
    _refuse_locked(archive)
    container = _xml(archive, "META-INF/container.xml")
    root = next((e.get("full-path", "") for e in _all(container, "rootfile")), "")
    package = _xml(archive, root)
    items = {e.get("id", ""): e for e in _all(package, "item")}
    base = posixpath.dirname(root)
    spine_element = next(_all(package, "spine"), None)
    if spine_element is None:
        raise DamagedFile("这个 EPUB 没有写明阅读顺序，请重新导出一份再导入。")
    refs = [e for e in _all(spine_element, "itemref") if e.get("linear", "yes") != "no"]
    listed = [items[e.get("idref", "")] for e in refs if e.get("idref", "") in items]
    nav = next((e for e in items.values() if "nav" in e.get("properties", "").split()), None)
    ncx = items.get(spine_element.get("toc", "")) or next(
        (e for e in items.values() if e.get("media-type") == "application/x-dtbncx+xml"), None
    )
    contents = list(_nav(archive, _path(base, nav))) if nav is not None else []
    if not contents and ncx is not None:
        contents = list(_ncx(archive, _path(base, ncx)))
    return Package(
        _said(package, "title"),
        "、".join(_texts(package, "creator")),
        tuple(_path(base, e) for e in listed if e is not nav),
        tuple(contents),
    )


def _refuse_locked(archive: Archive) -> None:
    name = "META-INF/encryption.xml"
    methods = _all(_xml(archive, name), "EncryptionMethod") if name in archive else ()
    locked = any(e.get("Algorithm", "") not in _OBFUSCATED for e in methods)
    if locked or "META-INF/rights.xml" in archive:
        raise EncryptedFile("这本 EPUB 有版权保护（DRM），读不出正文，请换一份没有加密的。")


def _xml(archive: Archive, name: str) -> Element:
    try:
        root: Element = fromstring(archive.read(name))
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise DamagedFile(f"这个 EPUB 里的 {name} 已损坏，请重新导出或下载一份再导入。") from error
    return root


def _nav(archive: Archive, name: str) -> Iterator[Entry]:
    """EPUB 3: the nested list of the `nav` whose type is `toc`, else of the first one."""
    root = parse(archive.read(name)) if name in archive else None
    navs = [] if root is None else list(root.iter("nav"))
    toc = next((n for n in navs if "toc" in n.get("epub:type", "").split()), None)
    toc = toc if toc is not None else next(iter(navs), None)
    if toc is None:
        return
    for item in toc.iter("li"):
        told = next((c for c in item if c.tag in ("a", "span")), None)
        if told is not None:
            level = sum(1 for e in item.iterancestors("ol") if toc in e.iterancestors())
            yield _entry(level, "".join(told.itertext()), name, told.get("href", ""))


def _ncx(archive: Archive, name: str) -> Iterator[Entry]:
    if name not in archive:
        return
    pending: list[tuple[int, Element]] = [(0, e) for e in _all(_xml(archive, name), "navMap")]
    while pending:
        level, element = pending.pop()
        if _local(element) == "navPoint":
            label = " ".join(_texts(element, "text")[:1])
            source = next((e.get("src", "") for e in element if _local(e) == "content"), "")
            yield _entry(level, label, name, source)
        points = [e for e in element if _local(e) == "navPoint"]
        pending += [(level + 1, e) for e in reversed(points)]


def _entry(level: int, label: str, base: str, href: str) -> Entry:
    """`href` is relative to the document that holds it, and percent-encoded."""
    parts = urlsplit(href)
    target = _joined(posixpath.dirname(base), parts.path) if parts.path else ""
    return Entry(max(1, min(level, 6)), " ".join(label.split()), target, unquote(parts.fragment))


def _path(base: str, item: Element) -> str:
    return _joined(base, urlsplit(item.get("href", "")).path)


def _joined(base: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(base, unquote(path)))


def _all(element: Element, name: str) -> Iterator[Element]:
    """Descendants by local name: files in the wild get namespaces wrong."""
    return (e for e in element.iter() if _local(e) == name)


def _local(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _texts(element: Element, name: str) -> list[str]:
    found = ("".join(e.itertext()).strip() for e in _all(element, name))
    return [" ".join(text.split()) for text in found if text]


def _said(element: Element, name: str) -> str:
    return next(iter(_texts(element, name)), "")
