"""Every line of a PDF is cited by the page that it stands on."""

import pypdfium2

from retrieval.book import BookChapter, Leaf
from retrieval.paging import page_at, pages_of
from retrieval.readers import file_order, make_book, read_source
from tests.retrieval.test_pdf import chapter_texts, made


def printed(data: bytes) -> list[tuple[int, str]]:
    """(page from 1, line) as they are printed, headers, page numbers and titles left out."""
    found = []
    for number, page in enumerate(pypdfium2.PdfDocument(data), 1):
        for line in page.get_textpage().get_text_bounded().splitlines():
            text = line.strip()
            if len(text) > 8 and "某人著" not in text and not text.startswith("第"):
                found.append((number, text))
    return found


def test_every_printed_line_is_found_on_its_page() -> None:
    data = made(chapter_texts())
    source = read_source(data, "归人.pdf")
    book = make_book(source, file_order("归人.pdf", "auto", (), (), {}))
    marks = [pages_of(chapter, source.leaves) for chapter in book.chapters]
    crossing = 0
    lines = printed(data)
    for number, line in lines:
        chapter = next(n for n, c in enumerate(book.chapters) if line in c.text)
        place = book.chapters[chapter].text.index(line)
        assert page_at(marks[chapter], place) == number, line
        begin = book.chapters[chapter].text.rfind("\n", 0, place) + 1
        crossing += page_at(marks[chapter], begin) != number
    assert len(lines) > 100
    assert crossing, "some paragraph goes on onto the next page"
    assert source.leaves[-1].page == lines[-1][0]


def test_a_chapter_that_begins_in_the_middle_of_a_page_knows_it() -> None:
    leaves = (Leaf(0, 0, 1), Leaf(1, 3, 2), Leaf(4, 0, 5))
    chapter = BookChapter(None, "", "一", 1, "chapter", "零一二三四\n空\n末", 1, (2, 3, 5))
    marks = pages_of(chapter, leaves)
    assert marks == [[0, 1], [3, 2], [8, 5]]
    assert [page_at(marks, n) for n in (0, 2, 3, 7, 8, 99)] == [1, 1, 2, 2, 5, 5]


def test_a_format_without_pages_has_none() -> None:
    chapter = BookChapter(None, "", "一", 1, "chapter", "字", 1, (1,))
    assert pages_of(chapter, ()) == []
    assert page_at([], 0) is None
