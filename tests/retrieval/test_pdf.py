"""PDFs become books: lines are joined to paragraphs, headers and page numbers go."""

import io
import random
from collections.abc import Iterable

import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate

from retrieval.errors import DamagedFile, EncryptedFile, OversizedFile, ScannedPages
from retrieval.readers import pdf, read_book

FONT = "STSong-Light"
pdfmetrics.registerFont(UnicodeCIDFont(FONT))
TITLE = ParagraphStyle("t", fontName=FONT, fontSize=28, leading=40, alignment=1)
HEAD = ParagraphStyle("h", fontName=FONT, fontSize=16, leading=26, alignment=1, spaceAfter=10)
WORDS = "雨夜灯船山道士伞门檐砚墨渡口江雾猫窗台酒旗桥月霜鼓钟炉茶琴剑书信"


def body(indent: int = 22, after: int = 0) -> ParagraphStyle:
    return ParagraphStyle(
        "b", fontName=FONT, fontSize=11, leading=18, firstLineIndent=indent, wordWrap="CJK",
        spaceAfter=after,
    )  # fmt: skip


def paragraph(chapter: int, number: int) -> str:
    """No two are alike, and neither are their lines."""
    chance = random.Random(100 * chapter + number)
    told = ("".join(chance.choices(WORDS, k=chance.randint(4, 16))) for _ in range(4 + number % 9))
    return "，".join(told) + f"。“第{number}夜。”"


def chapter_texts(chapters: int = 3, each: int = 30) -> dict[str, list[str]]:
    return {
        f"第{c}章 雨夜{'一二三四五'[c - 1]}": [paragraph(c, n) for n in range(each)]
        for c in range(1, chapters + 1)
    }


def made(
    texts: dict[str, list[str]],
    style: ParagraphStyle | None = None,
    head: ParagraphStyle = HEAD,
    front: Iterable[Paragraph] = (),
    **options: object,
) -> bytes:
    """A PDF with a header and a page number on every page."""

    def decorate(canvas: Canvas, document: SimpleDocTemplate) -> None:
        canvas.setFont(FONT, 9)
        canvas.drawString(72, 800, "归人 · 某人著")
        canvas.drawCentredString(297, 30, f"- {document.page} -")

    story = list(front)
    for title, paragraphs in texts.items():
        story += [Paragraph(title, head), *(Paragraph(p, style or body()) for p in paragraphs)]
        story.append(PageBreak())
    file = io.BytesIO()
    SimpleDocTemplate(file, **options).build(story, onFirstPage=decorate, onLaterPages=decorate)
    return file.getvalue()


@pytest.mark.parametrize(
    "style", [body(), body(indent=0, after=12), body(indent=0)], ids=["indented", "apart", "flush"]
)
def test_lines_are_joined_to_the_paragraphs_they_were(style: ParagraphStyle) -> None:
    texts = chapter_texts()
    book = read_book(made(texts, style), "归人.pdf")
    assert (book.form, book.title, [c.title for c in book.chapters]) == ("pdf", "归人", [*texts])
    for chapter, told in zip(book.chapters, texts.values(), strict=True):
        found = [line for line in chapter.text.split("\n") if line]
        # Without indents, a line that ends a page and is full by chance says nothing.
        assert "".join(found) == "".join(told)
        assert found == told or not style.firstLineIndent
    assert not any("某人著" in c.text for c in book.chapters)
    assert [d.code for d in book.doubts] == ["from_pages", "left_out"]


def test_titles_without_numbers_are_told_by_their_size() -> None:
    texts = dict(zip(["风起", "雨落", "归人"], chapter_texts().values(), strict=True))
    book = read_book(made(texts, front=[Paragraph("长夜", TITLE), PageBreak()]), "x.pdf")
    assert [c.title for c in book.chapters if c.kind == "chapter"] == [*texts]


def test_chapters_that_are_only_numbers_are_no_page_numbers() -> None:
    texts = dict(zip("123", chapter_texts().values(), strict=True))
    book = read_book(made(texts), "x.pdf")
    assert [c.title for c in book.chapters] == ["1", "2", "3"]


def test_bookmarks_name_the_chapters() -> None:
    same = ParagraphStyle("h", fontName=FONT, fontSize=11, leading=18)
    file = io.BytesIO()
    canvas = Canvas(file)
    for n, title in enumerate(("风起", "雨落", "归人")):
        canvas.bookmarkPage(str(n))
        canvas.addOutlineEntry(title, str(n), 0)
        canvas.setFont(FONT, same.fontSize)
        canvas.drawString(72, 700, title)
        for k in range(12):
            canvas.drawString(72, 660 - 18 * k, paragraph(n, k)[:38])
        canvas.showPage()
    canvas.save()
    book = read_book(file.getvalue(), "x.pdf")
    assert [c.title for c in book.chapters] == ["风起", "雨落", "归人"]


def test_what_the_file_says_of_itself_names_the_book() -> None:
    book = read_book(made(chapter_texts(1), title="长夜", author="某人"), "x.pdf")
    assert (book.title, book.author) == ("长夜", "某人")


def test_characters_beyond_the_first_plane_stay_where_they_stand() -> None:
    """Where PDFium counts two for one, what follows must not move."""
    texts = {"第一章 夜": [f"{n}他写了一个字，又一个字。" * 6 for n in range(4)]}
    book = read_book(made(texts), "x.pdf")
    assert "".join(book.chapters[-1].text.split("\n")) == "".join(texts["第一章 夜"])


# --- bad files ----------------------------------------------------------------------------------


def test_pictures_of_pages_are_refused() -> None:
    file = io.BytesIO()
    canvas = Canvas(file)
    for _ in range(3):
        canvas.rect(72, 72, 400, 600, fill=1)
        canvas.showPage()
    canvas.save()
    with pytest.raises(ScannedPages, match="OCR"):
        read_book(file.getvalue(), "扫描.pdf")


def test_a_password_is_told() -> None:
    data = made(chapter_texts(1, 3), encrypt=StandardEncryption("打开", strength=128))
    with pytest.raises(EncryptedFile, match="密码"):
        read_book(data, "锁.pdf")


@pytest.mark.parametrize(
    "data", [b"%PDF-1.7\n", b"%PDF-1.7\n" + bytes(3000), "这是文字。".encode(), b""],
    ids=["a beginning", "zeros", "text", "nothing"],
)  # fmt: skip
def test_a_damaged_file_is_refused(data: bytes) -> None:
    with pytest.raises(DamagedFile) as refusal:
        read_book(data, "坏.pdf")
    assert refusal.value.message.endswith("。")


def test_a_reader_that_dies_is_a_damaged_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "_COMMAND", (*pdf._COMMAND[:1], "-c", "import os; os.abort()"))
    with pytest.raises(DamagedFile):
        read_book(made(chapter_texts(1, 3)), "坏.pdf")


def test_a_reader_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "_COMMAND", (*pdf._COMMAND[:1], "-c", "import time; time.sleep(600)"))
    monkeypatch.setattr(pdf, "PATIENCE", 0.2)
    with pytest.raises(OversizedFile):
        read_book(made(chapter_texts(1, 3)), "慢.pdf")
