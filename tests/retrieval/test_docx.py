"""Word documents become books: outline levels are headings, what a reader sees is the text."""

import io
import zipfile
from collections.abc import Callable

import docx
import pytest
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn

from retrieval.errors import BinaryFile, DamagedFile, EmptyText, EncryptedFile, OversizedFile
from retrieval.readers import Book, archive, read_book

PARAGRAPH = "雨停了，巷子里只剩下檐水滴落的声音。他站了很久，终于还是没有敲那扇门，转身往巷口走去。"


def saved(document: Document) -> bytes:
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def written(write: Callable[[Document], None]) -> Book:
    document = docx.Document()
    write(document)
    return read_book(saved(document), "归人.docx")


def titles(book: Book) -> list[str]:
    return [c.title for c in book.chapters]


def codes(book: Book) -> list[str]:
    return [d.code for d in book.doubts]


def test_heading_styles_are_volumes_and_chapters() -> None:
    def write(document: Document) -> None:
        document.core_properties.author = "某人"
        document.add_paragraph("归人", style="Title")
        document.add_paragraph("楔子", style="Heading 2")
        document.add_paragraph(PARAGRAPH)
        for volume in ("第一卷 风", "第二卷 雨"):
            document.add_heading(volume, 1)
            for n in (1, 2):
                document.add_heading(f"第{n}章 夜", 2)
                document.add_paragraph(PARAGRAPH)
                document.add_paragraph("第九章 这一行不是标题样式，只是正文")

    book = written(write)
    assert (book.title, book.author, book.form, book.encoding) == ("归人", "某人", "docx", "")
    assert [(c.volume, c.title, c.kind) for c in book.chapters] == [
        (None, "楔子", "preface"),
        ("第一卷 风", "第1章 夜", "chapter"),
        ("第一卷 风", "第2章 夜", "chapter"),
        ("第二卷 雨", "第1章 夜", "chapter"),
        ("第二卷 雨", "第2章 夜", "chapter"),
    ]
    assert book.chapters[1].text == f"{PARAGRAPH}\n第九章 这一行不是标题样式，只是正文"
    assert [way.id for way in book.patterns] == ["auto", "h1", "h2", "章", "卷", "whole"]


def test_a_style_of_ones_own_that_is_based_on_a_heading_is_one() -> None:
    def write(document: Document) -> None:
        own = document.styles.add_style("我的章名", WD_STYLE_TYPE.PARAGRAPH)
        own.base_style = document.styles["Heading 1"]  # type: ignore[attr-defined]
        level = document.styles.add_style("只有大纲级别", WD_STYLE_TYPE.PARAGRAPH)
        outline = OxmlElement("w:outlineLvl")
        outline.set(qn("w:val"), "0")
        level.element.get_or_add_pPr().append(outline)
        for style, title in (("我的章名", "风起"), ("只有大纲级别", "雨落")):
            document.add_paragraph(title, style=style)
            document.add_paragraph(PARAGRAPH)

    assert titles(written(write)) == ["风起", "雨落"]


def test_without_styles_the_rules_of_text_tell_chapters() -> None:
    def write(document: Document) -> None:
        for n in (1, 2, 3):
            document.add_paragraph(f"第{n}章 夜")
            document.add_paragraph(PARAGRAPH)

    assert titles(written(write)) == ["第1章 夜", "第2章 夜", "第3章 夜"]


def test_no_heading_is_one_chapter_and_says_so() -> None:
    book = written(lambda document: document.add_paragraph(PARAGRAPH) and None)
    assert [c.text for c in book.chapters] == [PARAGRAPH]
    assert "no_headings" in codes(book)


def test_what_was_inserted_is_read_and_what_was_deleted_is_not() -> None:
    def write(document: Document) -> None:
        paragraph = document.add_paragraph("他")
        for xml in (
            f'<w:ins {nsdecls("w")} w:id="1" w:author="a"><w:r><w:t>终于</w:t></w:r></w:ins>',
            f'<w:del {nsdecls("w")} w:id="2" w:author="a">'
            "<w:r><w:delText>立刻</w:delText></w:r></w:del>",
            f"<w:r {nsdecls('w')}><w:t>走了。</w:t><w:br/><w:t>门开着。</w:t></w:r>",
        ):
            paragraph._p.append(parse_xml(xml))

    assert written(write).chapters[0].text == "他终于走了。\n门开着。"


def test_what_is_no_text_is_told() -> None:
    def write(document: Document) -> None:
        run = f"<w:r {nsdecls('w')}>"
        paragraph = document.add_paragraph("汉")
        for xml in (
            f'{run}<w:footnoteReference w:id="2"/></w:r>',
            f'{run}<w:commentReference w:id="0"/></w:r>',
            f"{run}<w:drawing/></w:r>",
            f"{run}<w:ruby><w:rt><w:r><w:t>zì</w:t></w:r></w:rt>"
            "<w:rubyBase><w:r><w:t>字</w:t></w:r></w:rubyBase></w:ruby></w:r>",
        ):
            paragraph._p.append(parse_xml(xml))
        table = document.add_table(1, 2)
        table.cell(0, 0).text, table.cell(0, 1).text = "甲", "乙"

    book = written(write)
    assert book.chapters[0].text == "汉字\n甲　乙"
    told = "".join(d.message for d in book.doubts if d.code == "left_out")
    assert all(what in told for what in ("脚注", "批注", "图片", "注音", "表格"))


def test_numbers_that_word_counts_itself_are_told() -> None:
    def write(document: Document) -> None:
        for title in ("风起", "雨落"):
            heading = document.add_heading(title, 1)
            heading._p.get_or_add_pPr().get_or_add_numPr()
            document.add_paragraph(PARAGRAPH)

    book = written(write)
    assert titles(book) == ["风起", "雨落"]
    assert any("2 处标题的自动编号" in d.message for d in book.doubts)


def test_a_table_of_contents_is_no_text() -> None:
    def write(document: Document) -> None:
        document.styles.add_style("toc 1", WD_STYLE_TYPE.PARAGRAPH)
        for n in (1, 2):
            document.add_paragraph(f"第{n}章 夜\t{n}", style="toc 1")
        for n in (1, 2):
            document.add_heading(f"第{n}章 夜", 1)
            document.add_paragraph(PARAGRAPH)

    assert titles(written(write)) == ["第1章 夜", "第2章 夜"]


# --- bad files ----------------------------------------------------------------------------------


def whole() -> bytes:
    document = docx.Document()
    document.add_paragraph(PARAGRAPH)
    return saved(document)


def replaced(name: str, data: bytes) -> bytes:
    """The document with another part in the place of one."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole())) as old, zipfile.ZipFile(made, "w") as new:
        for entry in old.namelist():
            new.writestr(entry, data if entry == name else old.read(entry))
    return made.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        whole()[:-200],
        whole()[:3000] + b"\0" * 50 + whole()[3050:],
        replaced("word/document.xml", b"<w:document"),
        replaced("word/document.xml", b"<a/>"),
        replaced("[Content_Types].xml", b""),
        replaced("word/_rels/document.xml.rels", b"<"),
        b"not a zip at all",
        "这是文字。".encode(),
    ],
    ids=["cut", "scratched", "xml", "root", "types", "relations", "bytes", "text"],
)
def test_a_damaged_document_is_refused(data: bytes) -> None:
    with pytest.raises((DamagedFile, EmptyText)) as refusal:
        read_book(data, "坏.docx")
    assert refusal.value.message.endswith("。")


def test_an_empty_document_is_refused() -> None:
    with pytest.raises(EmptyText):
        read_book(saved(docx.Document()), "空.docx")


def test_a_password_and_the_old_format_are_told() -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)
    with pytest.raises(EncryptedFile, match="密码"):
        read_book(ole + "EncryptedPackage".encode("utf-16-le"), "锁.docx")
    with pytest.raises(BinaryFile, match="另存为 DOCX"):
        read_book(ole, "旧.doc")


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 10_000_000)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("word/document.xml", b"\0" * 10_000_001)
    assert len(made.getvalue()) < 20_000
    with pytest.raises(OversizedFile):
        read_book(made.getvalue(), "弹.docx")


def test_entities_are_not_expanded() -> None:
    bomb = (
        '<!DOCTYPE d [<!ENTITY a "哈哈哈哈哈哈哈哈哈哈"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
        f"<w:document {nsdecls('w')}><w:body><w:p><w:r><w:t>字&b;</w:t></w:r></w:p></w:body></w:document>"
    )
    try:
        book = read_book(replaced("word/document.xml", bomb.encode()), "弹.docx")
    except DamagedFile:
        return
    assert "哈" not in book.chapters[0].text


@pytest.mark.parametrize("name", ["文.txt", "文.epub", "文.pdf", "文"])
def test_the_content_decides_and_a_wrong_suffix_is_told(name: str) -> None:
    book = read_book(whole(), name)
    assert (book.form, book.chapters[0].text) == ("docx", PARAGRAPH)
    assert "wrong_suffix" in codes(book)
    assert "wrong_suffix" not in codes(read_book(whole(), "文.docx"))
