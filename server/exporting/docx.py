"""A Word document: real heading styles, first-line indents by style, East Asian fonts by name."""

import io
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import docx
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from server.exporting.manuscript import Manuscript, blocks, printable

SONG, HEI, KAI, LATIN = "宋体", "黑体", "楷体", "Times New Roman"
BODY_SIZE = 12
BODY, NOTE = "Body Text", "Quote"
_THEMES = ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme")


def as_docx(book: Manuscript) -> bytes:
    document = docx.Document()
    _set_styles(document)
    _set_page(document)
    said = document.core_properties
    said.title, said.author, said.language = printable(book.title), printable(book.author), "zh-CN"
    said.created = said.modified = book.edited_at.replace(microsecond=0, tzinfo=None)
    said.comments = ""
    document.add_paragraph(printable(book.title), style="Title")
    if book.author:
        document.add_paragraph(f"作者：{printable(book.author)}", style="Subtitle")
    body, note = _writer(document, BODY), _writer(document, NOTE)
    level = 2 if book.has_volumes else 1
    for chapter in book.chapters:
        if chapter.volume is not None:
            document.add_heading(printable(chapter.volume), 1)
        document.add_heading(printable(chapter.title), level)
        for block in blocks(chapter.text):
            if block.apart:
                body("")
            body(block.text)
        for block in blocks(chapter.notes):
            note(f"批注：{block.text}")
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def _writer(document: Document, style: str) -> Callable[[str], None]:
    """Adds a paragraph of this style. The library looks a style up for each paragraph, which
    takes ten times as long as writing it."""
    pattern = document.add_paragraph(style=style)._p
    end = document.element.body.sectPr
    pattern.getparent().remove(pattern)

    def write(text: str) -> None:
        paragraph = deepcopy(pattern)
        if text:
            paragraph.add_r().text = text
        end.addprevious(paragraph)

    return write


def _set_styles(document: Document) -> None:
    defaults = document.styles.element.find(
        f"{qn('w:docDefaults')}/{qn('w:rPrDefault')}/{qn('w:rPr')}"
    )
    _set_fonts(defaults, SONG)
    language = defaults.find(qn("w:lang"))
    language.set(qn("w:eastAsia"), "zh-CN")
    for name, font, size in (
        ("Normal", SONG, BODY_SIZE), ("Title", HEI, 26), ("Subtitle", KAI, 14),
        ("Heading 1", HEI, 18), ("Heading 2", HEI, 15), (BODY, SONG, BODY_SIZE),
        (NOTE, KAI, BODY_SIZE),
    ):  # fmt: skip
        _set_style(document, name, font, size)
    for name in ("Title", "Subtitle", "Heading 1", "Heading 2"):
        shape = document.styles[name].paragraph_format
        shape.alignment = WD_ALIGN_PARAGRAPH.CENTER
        shape.space_before, shape.space_after = Pt(24), Pt(18)
        shape.page_break_before = name.startswith("Heading")
    body = document.styles[BODY].paragraph_format
    body.line_spacing, body.space_after = 1.5, Pt(0)
    body.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
    _indent(document.styles[BODY].element)


def _set_style(document: Document, name: str, font: str, size: int) -> None:
    style: Any = (
        document.styles[name]
        if name in document.styles
        else document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    )
    style.font.name, style.font.size = LATIN, Pt(size)
    style.font.color.rgb = RGBColor(0, 0, 0)
    style.font.italic = False
    _set_fonts(style.element.get_or_add_rPr(), font)
    borders = style.element.find(f"{qn('w:pPr')}/{qn('w:pBdr')}")
    if borders is not None:
        borders.getparent().remove(borders)


def _set_fonts(properties: Any, east_asian: str) -> None:
    """A theme's font would count before the one named here."""
    fonts = properties.get_or_add_rFonts()
    for theme in _THEMES:
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    for script, font in (("ascii", LATIN), ("hAnsi", LATIN), ("eastAsia", east_asian)):
        fonts.set(qn(f"w:{script}"), font)


def _indent(style: Any) -> None:
    """Two characters, whatever their size; twentieths of a point for who cannot count them."""
    indent = style.get_or_add_pPr().get_or_add_ind()
    indent.set(qn("w:firstLineChars"), "200")
    indent.set(qn("w:firstLine"), str(2 * BODY_SIZE * 20))


def _set_page(document: Document) -> None:
    page = document.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    footer = page.footer.paragraphs[0]
    footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
    number = OxmlElement("w:fldSimple")
    number.set(qn("w:instr"), "PAGE")
    footer._p.append(number)
