"""EPUBs become books: the spine's order, the contents' titles, and nothing but text."""

import pytest

from retrieval.errors import DamagedFile, EmptyText, EncryptedFile, OversizedFile
from retrieval.readers import Book, archive, read_book
from tests.retrieval.epubs import CONTAINER, epub, package, packed, page

P = "<p>雨停了，巷子里只剩下檐水滴落的声音。</p>"
TEXT = "雨停了，巷子里只剩下檐水滴落的声音。"


def read(data: bytes) -> Book:
    return read_book(data, "书.epub")


def told(book: Book) -> list[tuple[str | None, str]]:
    return [(c.volume, c.title) for c in book.chapters]


def test_the_contents_name_volumes_and_chapters() -> None:
    pages = {
        "cover.xhtml": '<img src="c.jpg" alt="封面"/>',
        "v1.xhtml": "<h1>第一卷 风</h1>",
        "c1.xhtml": f"<h2>第一章 夜</h2>{P}",
        "c1b.xhtml": P,
        "c2.xhtml": f'<p class="title">第二章</p><p>雨</p>{P}',
        "c3.xhtml": f'<h2 id="a">番外 灯</h2>{P}<h2 id="b">后记</h2>{P}',
    }
    contents = (
        '<li><a href="cover.xhtml">封面</a></li>'
        '<li><a href="v1.xhtml">第一卷　风</a><ol><li><a href="c1.xhtml">第一章 夜</a></li>'
        '<li><a href="c2.xhtml">第二章 雨</a></li></ol></li>'
        '<li><span>附</span><ol><li><a href="c3.xhtml#a">番外 灯</a></li>'
        '<li><a href="c3.xhtml#b">后记</a></li></ol></li>'
    )
    book = read(epub(pages, contents))
    assert (book.title, book.author, book.form) == ("归人", "某人", "epub")
    assert told(book) == [
        ("第一卷 风", "第一章 夜"),
        ("第一卷 风", "第二章 雨"),
        ("第一卷 风", "番外 灯"),
        ("第一卷 风", "后记"),
    ]
    assert book.chapters[0].text == f"{TEXT}\n\n{TEXT}"
    assert [c.text for c in book.chapters[1:]] == [TEXT] * 3
    assert "图片" in "".join(d.message for d in book.doubts)


def test_a_title_that_only_the_contents_know_becomes_a_line() -> None:
    contents = '<li><a href="a.xhtml">风起</a></li><li><a href="b.xhtml">雨落</a></li>'
    book = read(epub({"a.xhtml": P, "b.xhtml": P}, contents))
    assert told(book) == [(None, "风起"), (None, "雨落")]
    assert [c.text for c in book.chapters] == [TEXT, TEXT]


def test_the_older_contents_are_read_as_well() -> None:
    ncx = (
        '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>'
        '<navPoint><navLabel><text>卷一</text></navLabel><content src="t/a.xhtml"/>'
        '<navPoint><navLabel><text>风 起</text></navLabel><content src="t/a.xhtml#x"/></navPoint>'
        '<navPoint><navLabel><text>雨落</text></navLabel><content src="t/%E9%9B%A8.xhtml"/>'
        "</navPoint></navPoint></navMap></ncx>"
    )
    item = '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
    book = read(packed({
        "META-INF/container.xml": CONTAINER,
        "O/p.opf": package(["t/a.xhtml", "t/%E9%9B%A8.xhtml"], item, ' toc="ncx"'),
        "O/toc.ncx": ncx,
        "O/t/a.xhtml": page(f'<h1>卷一</h1><h2 id="x">风起</h2>{P}'),
        "O/t/雨.xhtml": page(P),
    }))  # fmt: skip
    assert told(book) == [("卷一", "风 起"), ("卷一", "雨落")]


def test_headings_tell_where_the_contents_name_only_volumes() -> None:
    pages = {
        f"{v}.xhtml": f"<h1>卷{v}</h1>" + "".join(f"<h2>第{n}章 夜</h2>{P}" for n in range(1, 6))
        for v in "一二"
    }
    contents = "".join(f'<li><a href="{v}.xhtml">卷{v}</a></li>' for v in "一二")
    assert told(read(epub(pages, contents))) == [
        (f"卷{v}", f"第{n}章 夜") for v in "一二" for n in range(1, 6)
    ]


def test_without_contents_headings_tell_and_without_headings_the_rules_of_text() -> None:
    assert told(read(epub({"a.xhtml": f"<h1>风</h1>{P}", "b.xhtml": f"<h1>雨</h1>{P}"}))) == [
        (None, "风"),
        (None, "雨"),
    ]
    plain = {f"{n}.xhtml": f"<p>第{n}章 夜</p>{P}" for n in (1, 2)}
    assert told(read(epub(plain))) == [(None, "第1章 夜"), (None, "第2章 夜")]


def test_of_ruby_the_base_text_stays() -> None:
    body = (
        "<p><ruby>硯<rp>(</rp><rt>yàn</rt><rp>)</rp>池<rt>chí</rt></ruby>里&nbsp;有墨&hellip;</p>"
    )
    book = read(epub({"a.xhtml": body}))
    assert book.chapters[0].text == "硯池里 有墨…"
    assert "注音" in "".join(d.message for d in book.doubts)


def test_text_breaks_where_a_reader_sees_it_break() -> None:
    body = (
        "<div>甲<span>乙\n  丙</span><br/>丁<p>戊</p>己</div><p></p><p><br/></p>"
        "<ul><li>庚</li></ul><script>if (a &lt; b) x()</script><style>p{}</style><pre>辛\n壬</pre>"
    )
    assert read(epub({"a.xhtml": body})).chapters[0].text == ("甲乙 丙\n丁\n戊\n己\n\n庚\n辛\n壬")


def test_an_empty_element_does_not_swallow_what_follows() -> None:
    """XHTML may close a title, a script or a link at once; HTML may not."""
    assert read(epub({"a.xhtml": f'<a id="x"/><script src="x"/>{P}'})).chapters[0].text == TEXT


def test_documents_that_no_xml_parser_takes_are_read_as_a_browser_would() -> None:
    book = read(epub({"a.xhtml": "<p>雨停了 & 风起<br>灯灭了<p>夜"}))
    assert book.chapters[0].text == "雨停了 & 风起\n灯灭了\n夜"


def test_names_in_gb18030_are_found() -> None:
    """As programs in China have long written them: no mark for UTF-8, Windows' own bytes."""
    gbk = "O/雨夜归.xhtml".encode("gb18030")
    stand_in = b"O/" + b"x" * (len(gbk) - 2)
    made = packed({
        "META-INF/container.xml": CONTAINER, "O/p.opf": package(["雨夜归.xhtml"]),
        stand_in.decode(): page(P),
    })  # fmt: skip
    assert made.count(stand_in) == 2
    assert read(made.replace(stand_in, gbk)).chapters[0].text == TEXT


# --- bad files ----------------------------------------------------------------------------------


def test_a_locked_book_is_refused_and_locked_fonts_are_no_reason() -> None:
    def encryption(algorithm: str) -> str:
        return (
            '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><e:EncryptedData'
            ' xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:EncryptionMethod Algorithm="'
            f'{algorithm}"/></e:EncryptedData></encryption>'
        )

    name = "META-INF/encryption.xml"
    aes = encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc")
    with pytest.raises(EncryptedFile, match="DRM"):
        read(epub({"a.xhtml": P}, **{name: aes}))
    fonts = encryption("http://www.idpf.org/2008/embedding")
    assert read(epub({"a.xhtml": P}, **{name: fonts})).chapters


def test_a_zip_with_a_password_is_refused() -> None:
    data = bytearray(epub({"a.xhtml": P}))
    for magic, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        start = 0
        while (start := data.find(magic, start)) >= 0:
            data[start + flags] |= 1
            start += 4
    with pytest.raises(EncryptedFile, match="密码"):
        read(bytes(data))


@pytest.mark.parametrize(
    "data",
    [
        epub({"a.xhtml": P})[:-60],
        packed({"META-INF/container.xml": "<container"}),
        packed({"META-INF/container.xml": CONTAINER}),
        packed({"META-INF/container.xml": CONTAINER, "O/p.opf": "<package/>"}),
        packed({"META-INF/container.xml": CONTAINER, "O/p.opf": "\0"}),
        b"",
        b"PK\x03\x04",
    ],
    ids=["cut", "container", "no package", "no spine", "no xml", "nothing", "a beginning"],
)
def test_a_damaged_book_is_refused(data: bytes) -> None:
    with pytest.raises((DamagedFile, EmptyText)) as refusal:
        read(data)
    assert refusal.value.message.endswith("。")


def test_a_missing_document_is_told_and_the_others_are_read() -> None:
    book = read(packed({
        "META-INF/container.xml": CONTAINER, "O/p.opf": package(["a.xhtml", "b.xhtml"]),
        "O/a.xhtml": page(P),
    }))  # fmt: skip
    assert "missing_part" in [d.code for d in book.doubts]
    assert book.chapters[0].text == TEXT


def test_pictures_alone_are_no_text() -> None:
    with pytest.raises(EmptyText, match="图片"):
        read(epub({"a.xhtml": '<img src="1.jpg"/>'}))


def test_entities_are_not_expanded_and_files_outside_are_not_read() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "哈"}">' for n in range(12))
    outside = '<!ENTITY f SYSTEM "file:///etc/passwd">'
    for declared, used in ((laughs, "&l11;"), (outside, "&f;")):
        doctype = f"<!DOCTYPE html [{declared}]>"
        book = read(packed({
            "META-INF/container.xml": CONTAINER, "O/p.opf": package(["a.xhtml"]),
            "O/a.xhtml": page(f"<p>夜{used}</p>", doctype),
        }))  # fmt: skip
        assert len(book.chapters[0].text) < 100
        assert "root:" not in book.chapters[0].text
        with pytest.raises(DamagedFile):
            read(packed({
                "META-INF/container.xml": CONTAINER,
                "O/p.opf": f"<!DOCTYPE package [{declared}]>{package(['a.xhtml'])}",
                "O/a.xhtml": page(P),
            }))  # fmt: skip


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 1_000_000)
    with pytest.raises(OversizedFile):
        read(epub({"a.xhtml": "哈" * 400_000}))
    monkeypatch.setattr(archive, "MOST_ENTRIES", 3)
    with pytest.raises(OversizedFile):
        read(epub({f"{n}.xhtml": P for n in range(4)}))


def test_deep_nesting_is_read_without_recursion() -> None:
    book = read(epub({"a.xhtml": "<div>" * 1500 + TEXT + "</div>" * 1500}))
    assert TEXT in book.chapters[0].text
