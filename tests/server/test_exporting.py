"""What an exported file holds, by the rules of its own format, and that it comes back."""

import io
import posixpath
import zipfile
from collections import Counter
from typing import Any
from xml.etree import ElementTree

import docx
import pytest
from docx.oxml.ns import qn

from server.models import Chapter
from server.schemas.common import Kind
from tests.server.conftest import Client

OPF = "{http://www.idpf.org/2007/opf}"
DC = "{http://purl.org/dc/elements/1.1/}"
XHTML = "{http://www.w3.org/1999/xhtml}"
OPS = "{http://www.idpf.org/2007/ops}"
NCX = "{http://www.daisy.org/z3986/2005/ncx/}"
XML = "{http://www.w3.org/XML/1998/namespace}"

TEXT = "　　雨下了一夜。<灯>&“伞”没有收。\n　　他没有进屋。\n\n　　天亮了。𠀀\n　　船走了。\n　　人散了。"
"""Markup's own characters, a break of the scene, a character beyond the first plane."""


@pytest.fixture
def work(api: Client) -> str:
    return make(api)


def make(api: Client) -> str:
    """Two volumes, a prologue before them, an extra at the end, and a chapter without a text."""
    book = {"title": "渡口 <一> & 二", "author": "某人&某人", "cover": "rouge"}
    work = str(api.ok("POST", "/api/works", json=book)["id"])
    path = f"/api/works/{work}"
    volumes = [
        api.ok("POST", f"{path}/volumes", json={"title": t})["id"]
        for t in ("第一卷 风", "第二卷 雨")
    ]
    first, second = volumes
    for title, volume, kind, text in (
        ("楔子", None, "preface", TEXT),
        ("夜", first, "chapter", TEXT),
        ("", first, "chapter", "雨。" * 40),
        ("空", second, "chapter", ""),
        ("番外 灯 & <影>", second, "extra", TEXT),
    ):
        wanted = {"title": title, "volume_id": volume, "kind": kind, "text": text}
        api.ok("POST", f"{path}/chapters", json=wanted)
    return work


def export(api: Client, work: str, form: str, **how: Any) -> bytes:
    path = f"/api/works/{work}/export"
    answer = api.http.get(path, params={"format": form, **how})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].endswith(f".{form}")
    return answer.content


def told(api: Client, work: str) -> list[tuple[str | None, str, str, str]]:
    """Volume, title, kind and text of every chapter."""
    path = f"/api/works/{work}"
    volumes = {v["id"]: v["title"] for v in api.ok("GET", f"{path}/volumes")}
    return [
        (
            volumes.get(c["volume_id"]),
            f"{c['label']} {c['name']}".strip(),
            c["kind"],
            api.ok("GET", f"{path}/chapters/{c['id']}")["text"],
        )
        for c in api.ok("GET", f"{path}/chapters")
    ]


def imported(api: Client, data: bytes, name: str) -> str:
    upload = api.ok("POST", "/api/imports", files={"file": (name, data)})["upload"]
    return str(api.ok("POST", f"/api/imports/{upload}/commit", json={})["work"])


def without_indents(text: str) -> str:
    return "\n".join(line.strip() for line in text.split("\n"))


@pytest.mark.parametrize("form", ["txt", "md", "docx", "epub"])
def test_what_is_exported_comes_back(api: Client, work: str, form: str) -> None:
    again = imported(api, export(api, work, form), f"任意.{form}")
    ours, theirs = told(api, work), told(api, again)
    assert [row[:3] for row in theirs] == [row[:3] for row in ours]
    for (*_, before), (*_, after) in zip(ours, theirs, strict=True):
        # DOCX and EPUB indent by style.
        assert after == (before if form in ("txt", "md") else without_indents(before))
    (found,) = [w for w in api.ok("GET", "/api/works") if w["id"] == again]
    assert (found["title"], found["author"]) == ("渡口 <一> & 二", "某人&某人")


@pytest.mark.parametrize("form", ["txt", "md", "docx", "epub"])
def test_one_chapter_without_volumes_comes_back(api: Client, form: str) -> None:
    work, _ = api.book({"雨夜": TEXT})
    again = imported(api, export(api, work, form), f"试书.{form}")
    ((volume, title, _, text),) = told(api, again)
    assert (volume, title) == (None, "第一章 雨夜")
    assert without_indents(text) == without_indents(TEXT)


def test_a_part_of_the_book(api: Client, work: str) -> None:
    path = f"/api/works/{work}"
    first, second = api.ok("GET", f"{path}/volumes")
    chapters = api.ok("GET", f"{path}/chapters")
    found = export(api, work, "md", volumes=[second["id"]], chapters=[chapters[0]["id"]]).decode()
    headings = [line for line in found.split("\n") if line.startswith("##")]
    assert headings == ["### 楔子", "## 第二卷 雨", "### 第三章 空", "### 番外 灯 & <影>"]
    found = export(api, work, "md", chapters=[chapters[2]["id"]]).decode()
    assert [line for line in found.split("\n") if line.startswith("#")] == [
        "# 渡口 <一> & 二", "## 第一卷 风", "### 第二章",
    ]  # fmt: skip
    gone = "0" * 32
    api.refused(404, "volume_not_found", "GET", f"{path}/export?volumes={gone}")
    api.refused(404, "chapter_not_found", "GET", f"{path}/export?chapters={gone}")
    api.refused(422, "invalid_request", "GET", f"{path}/export?chapters=x")
    assert first["title"] not in export(api, work, "txt", volumes=[second["id"]]).decode()


@pytest.mark.parametrize("form", ["txt", "md", "docx", "epub"])
def test_notes_come_along_when_they_are_wanted(api: Client, work: str, form: str) -> None:
    path = f"/api/works/{work}/chapters"
    chapter = api.ok("GET", path)[1]["id"]
    api.ok("PATCH", f"{path}/{chapter}", json={"notes": "伏笔在第三段"})

    def whole(**how: Any) -> str:
        data = export(api, work, form, **how)
        if form in ("txt", "md"):
            return data.decode()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return "".join(archive.read(n).decode("utf-8", "ignore") for n in archive.namelist())

    assert "伏笔在第三段" in whole(notes=True)
    assert "伏笔在第三段" not in whole()


@pytest.mark.parametrize("form", ["txt", "docx", "epub"])
def test_an_empty_work_has_nothing_to_export(api: Client, form: str) -> None:
    work = api.ok("POST", "/api/works", json={"title": "空"})["id"]
    api.refused(422, "nothing_to_export", "GET", f"/api/works/{work}/export?format={form}")
    data = export(api, work, "zip")
    assert told(api, imported(api, data, "空.zip")) == []


# --- DOCX ---------------------------------------------------------------------------------------


def test_a_document_has_styles_that_word_knows(api: Client, work: str) -> None:
    document = docx.Document(io.BytesIO(export(api, work, "docx")))
    assert document.core_properties.title == "渡口 <一> & 二"
    assert document.core_properties.author == "某人&某人"
    styles = Counter(p.style.name for p in document.paragraphs if p.style)
    assert (styles["Title"], styles["Heading 1"], styles["Heading 2"]) == (1, 2, 5)
    body = document.styles["Body Text"].element
    indent = body.find(f"{qn('w:pPr')}/{qn('w:ind')}")
    assert indent.get(qn("w:firstLineChars")) == "200"
    for name, font in (("Body Text", "宋体"), ("Heading 1", "黑体"), ("Title", "黑体")):
        fonts = document.styles[name].element.find(f"{qn('w:rPr')}/{qn('w:rFonts')}")
        assert fonts.get(qn("w:eastAsia")) == font
        assert not [key for key in fonts.attrib if key.endswith("Theme")]
    assert not [p for p in document.paragraphs if p.text.startswith("　")]


def test_characters_that_no_xml_holds_are_left_out(api: Client) -> None:
    work, _ = api.book({"夜\u0001": "雨\u0002停\ufffe了。\u000b船\u001f走了。"})
    for form in ("docx", "epub"):
        again = imported(api, export(api, work, form), f"书.{form}")
        assert told(api, again)[0][3] == "雨停了。船走了。"


# --- EPUB: EPUB 3.3, sections 3 (packages), 4 (OCF), 5–7 (content, navigation) --------------------


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(names) == len(set(names))
        return {name: archive.read(name) for name in names}


def test_the_type_comes_first_and_as_it_is(api: Client, work: str) -> None:
    data = export(api, work, "epub")
    assert data[:4] == b"PK\x03\x04"
    assert data[8:10] == b"\0\0"  # stored
    assert data[26:30] == b"\x08\0\0\0"  # a name of eight bytes, no extra field
    assert data[30:58] == b"mimetypeapplication/epub+zip"


def test_the_package_names_every_file_once(api: Client, work: str) -> None:
    files = unpacked(export(api, work, "epub"))
    container = ElementTree.fromstring(files["META-INF/container.xml"])
    (root,) = container.iter("{urn:oasis:names:tc:opendocument:xmlns:container}rootfile")
    package = ElementTree.fromstring(files[root.attrib["full-path"]])
    base = posixpath.dirname(root.attrib["full-path"])
    assert package.attrib["version"] == "3.0"

    identifiers = {e.attrib["id"]: e.text for e in package.iter(f"{DC}identifier")}
    assert identifiers[package.attrib["unique-identifier"]]
    assert [e.text for e in package.iter(f"{DC}language")] == ["zh-CN"]
    assert [e.text for e in package.iter(f"{DC}title")] == ["渡口 <一> & 二"]
    (modified,) = [
        e.text for e in package.iter(f"{OPF}meta") if e.get("property") == "dcterms:modified"
    ]
    assert modified
    assert len(modified) == len("2026-11-21T00:00:00Z")
    assert modified.endswith("Z")

    items = {e.attrib["id"]: e for e in package.iter(f"{OPF}item")}
    listed = [posixpath.join(base, e.attrib["href"]) for e in items.values()]
    outside = {"mimetype", "META-INF/container.xml", root.attrib["full-path"]}
    assert Counter(listed) == Counter(files.keys() - outside)
    properties = [e.get("properties") for e in items.values()]
    assert properties.count("nav") == properties.count("cover-image") == 1
    ids = [e.attrib["id"] for e in package.iter() if "id" in e.attrib]
    assert len(ids) == len(set(ids))
    refs = [e.attrib["idref"] for e in package.iter(f"{OPF}itemref")]
    assert len(refs) == len(set(refs))
    assert {items[r].attrib["media-type"] for r in refs} == {"application/xhtml+xml"}
    pages = {i for i, e in items.items() if e.attrib["media-type"] == "application/xhtml+xml"}
    assert pages == {*refs}


def test_every_document_is_well_formed_and_links_to_what_there_is(api: Client, work: str) -> None:
    files = unpacked(export(api, work, "epub"))
    ids: dict[str, set[str]] = {}
    trees = {}
    for name, data in files.items():
        if name.endswith((".xhtml", ".opf", ".ncx", ".svg", ".xml")):
            trees[name] = ElementTree.fromstring(data)
            found = [e.attrib["id"] for e in trees[name].iter() if "id" in e.attrib]
            assert len(found) == len(set(found)), name
            ids[name] = {*found}
    for name, tree in trees.items():
        if name.endswith(".xhtml"):
            assert tree.tag == f"{XHTML}html"
            assert tree.attrib["lang"] == tree.attrib[f"{XML}lang"] == "zh-CN"
            title = tree.find(f"{XHTML}head/{XHTML}title")
            assert title is not None
            assert (title.text or "").strip()
        for element in tree.iter():
            link = element.get("href") or element.get("src")
            if link is None or name == "OEBPS/content.opf":
                continue
            path, _, fragment = link.partition("#")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
            assert target in files, (name, link)
            assert not fragment or fragment in ids[target]


def test_the_contents_are_in_the_order_of_reading(api: Client, work: str) -> None:
    files = unpacked(export(api, work, "epub"))
    nav = ElementTree.fromstring(files["OEBPS/nav.xhtml"])
    by_type = {e.attrib[f"{OPS}type"]: e for e in nav.iter(f"{XHTML}nav")}
    assert {*by_type} == {"toc", "landmarks"}
    links = list(by_type["toc"].iter(f"{XHTML}a"))
    assert [e.text for e in links] == [
        "楔子", "第一卷 风", "第一章 夜", "第二章", "第二卷 雨", "第三章 空", "番外 灯 & <影>",
    ]  # fmt: skip
    top = by_type["toc"].find(f"{XHTML}ol")
    assert top is not None
    assert len(top.findall(f"{XHTML}li")) == 3
    for element in by_type["toc"].iter(f"{XHTML}ol"):
        assert {child.tag for child in element} == {f"{XHTML}li"}
    landmarks = [e.attrib[f"{OPS}type"] for e in by_type["landmarks"].iter(f"{XHTML}a")]
    assert landmarks == ["cover", "toc", "bodymatter"]
    package = ElementTree.fromstring(files["OEBPS/content.opf"])
    hrefs = {e.attrib["id"]: e.attrib["href"] for e in package.iter(f"{OPF}item")}
    spine = [hrefs[e.attrib["idref"]] for e in package.iter(f"{OPF}itemref")]
    assert [e.attrib["href"] for e in links] == spine[2:]
    ncx = ElementTree.fromstring(files["OEBPS/toc.ncx"])
    points = [*ncx.iter(f"{NCX}navPoint")]
    assert [p.attrib["playOrder"] for p in points] == [str(n + 1) for n in range(len(points))]
    assert [e.attrib["src"] for e in ncx.iter(f"{NCX}content")] == spine[2:]


def test_the_cover_shows_the_title_on_its_cloth(api: Client, work: str) -> None:
    files = unpacked(export(api, work, "epub"))
    cover = files["OEBPS/cover.xhtml"].decode()
    assert "background-color: #78404c" in cover
    assert "渡口 &lt;一&gt; &amp; 二" in cover
    svg = ElementTree.fromstring(files["OEBPS/cover.svg"])
    glyphs = [e for e in svg.iter() if e.tag.endswith("}text")]
    assert "".join(e.text or "" for e in glyphs).startswith("渡口 <一> & 二"[:2])
    width, height = (int(svg.attrib[side]) for side in ("width", "height"))
    assert all(0 < float(e.attrib["x"]) < width for e in glyphs)
    assert all(0 < float(e.attrib["y"]) < height for e in glyphs)
    assert "text-indent: 2em" in files["OEBPS/style.css"].decode()


def test_a_long_title_stays_on_its_label(api: Client) -> None:
    work = api.ok("POST", "/api/works", json={"title": "长" * 200})["id"]
    api.ok("POST", f"/api/works/{work}/chapters", json={"title": "夜", "text": TEXT})
    svg = ElementTree.fromstring(unpacked(export(api, work, "epub"))["OEBPS/cover.svg"])
    for element in svg.iter():
        if "x" in element.attrib:
            assert 0 <= float(element.attrib["x"]) <= 900
            assert float(element.get("y", 0)) + float(element.get("height", 0)) <= 1200


def test_every_kind_of_chapter_has_its_type(api: Client) -> None:
    work, _ = api.book({"夜": TEXT})
    for kind in Kind.__args__:  # type: ignore[attr-defined]
        wanted = {"title": kind, "kind": kind, "text": TEXT}
        api.ok("POST", f"/api/works/{work}/chapters", json=wanted)
    files = unpacked(export(api, work, "epub"))
    types = {
        tree.find(f"{XHTML}body/{XHTML}section").attrib[f"{OPS}type"]  # type: ignore[union-attr]
        for name, data in files.items()
        if name.startswith("OEBPS/c0")
        for tree in [ElementTree.fromstring(data)]
    }
    assert types == {"preface", "chapter", "afterword"}
    assert Chapter.model_fields["kind"].default in Kind.__args__  # type: ignore[attr-defined]
