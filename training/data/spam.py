"""What web-novel sites put into chapters: their addresses, notices, page links, begging.

Works on sentences outside quotation marks, so that a character may say such things. A sentence
goes where a phrase in it is a site's own; an address alone, or a word alone that a story could
hold, is not enough.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_HALF = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
"""Full-width ASCII, which sites use to hide their addresses, to its usual form; one to one."""

ADDRESS = re.compile(
    r"(?:https?://)?(?:(?:[wWmM]\s?){1,3}[.。·]\s?)?[A-Za-z0-9-]{2,20}\s?[.。·]\s?"
    r"(?:com|net|org|info|cc|la|cn|me|tv|xyz|vip|top|so|co)\b(?:/[\w/.-]*)?",
    re.IGNORECASE,
)
_BESIDE_ADDRESS = re.compile(
    r"首发|域名|网址|最快更新|更新最快|无弹窗|最新章节|本站|手机(?:用户|版|阅读|看)|全文阅读|免费阅读"
    r"|下载|记住|收藏|书友|书迷|正版|转载|小说网|文学网|中文网"
)
"""Words that make a sentence with an address a site's."""

_NOTICES = tuple(
    re.compile(pattern)
    for pattern in (
        r"一秒钟?记住",
        r"记住(?:本书|本站|我们)[^，]{0,8}(?:域名|网址|地址)",
        r"手机(?:用户|读者)[^。]{0,8}请?(?:访问|浏览|登[录陆]|到)[^。]{0,30}阅读",
        r"更(?:优质|好)的?阅读体验",
        r"本章(?:还)?(?:未完|没有结束)[^。]{0,10}下一页",
        r"手打中[^。]{0,12}(?:稍|刷新)",
        r"(?:内容|章节)更新后[^。]{0,16}刷新",
        r"(?:小说网|文学网|中文网|阅读网|书城|小说城|书院)[^。]{0,6}(?:首发|最快更新|提供|整理|手打)",
        r"(?:首发|最快更新|转载|来自)[^，。]{0,8}(?:小说网|文学网|中文网|阅读网)",
        r"请大家收藏[:：][^。]{0,40}更新",
        r"(?:最新章节|全文|本书)[^，。]{0,8}(?:无弹窗|免费阅读|在线阅读|txt下载|TXT下载)",
        r"章节(?:错误|有误)[^。]{0,6}(?:点击|点此|举报)",
        r"(?:百度|搜狗|必应)(?:一下|搜索)[^。]{0,16}(?:最新章节|小说网|中文网|全文)",
        r"加入书签[^。]{0,4}方便(?:下次)?阅读",
        r"(?:关注|搜索|微搜)[^。，]{0,6}(?:公众号|微信号)[:：【\[]",
        r"(?:书友|读者|[QqＱ]{2})群号?[:：]?\s?\d{5,}",
        r"(?:看|读)(?:最新|正版)章节[^。]{0,8}(?:请?到|就到|上)[^。]{0,12}(?:网|书城)",
    )
)

_LINKS = r"[上下]一[章页回节]|返回(?:目录|书页|首页|列表)|(?:章节)?目录|加入书[签架]|推荐本书|投推荐票|举报错误"
_NAVIGATION = re.compile(rf"(?:(?:{_LINKS})[\s|/·，、<>《》←→\-]*){{2,}}|返回目录|加入书签")
_CHAPTER_END = re.compile(r"(?:本章|本回)(?:完|结束)|未完待续[，,。…\s]*(?:如欲知后事[^。]{0,20})?")
_WISH = r"(?:月票|推荐票?|收藏|订阅|打赏|红票|鲜花|票票|点击)"
_BEGGING = re.compile(
    rf"(?:[PpＰ][SsＳ]|跪|拜|厚颜|各位|诸位|书友|兄弟|新书|大家|今[天日]|第[一二三四五六七八九十\d]+更|求|感谢|多谢|谢谢)"
    rf"[^。“”「」]{{0,30}}(?:求{_WISH}|求[^。，]{{0,4}}{_WISH}|{_WISH}[^。，]{{0,4}}(?:支持|走起|砸))"
)
_BEGGING_LONGEST = 80
_DECORATION = " \t\u3000()[]{}【】《》〈〉『』〖〗*＊=＝_—-~～·★☆◆◇■□▲△●○…。.,，!！:："
_ENDS = re.compile(r"[。！？!?…]+[”’」』）)】]*")
_BRACKETS = re.compile(r"\s*(?:（[^）]*）|\([^)]*\)|【[^】]*】|〖[^〗]*〗)[。！？!?…]*")
_QUOTED = re.compile(r"“[^”]*”|「[^」]*」")
_OPEN, _CLOSE = "“「", "”」"


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` of a text are a site's."""

    start: int
    end: int
    reason: str


def find_spam(text: str) -> list[Span]:
    """In order, not overlapping; a line that nothing is left of goes with its line end."""
    spans, at = [], 0
    for line in text.splitlines(keepends=True):
        found = _in_line(line)
        left = "".join(_kept(line, found)).strip(_DECORATION + "\r\n")
        if found and not left:
            found = [Span(0, len(line), found[0].reason)]
        spans += [Span(at + span.start, at + span.end, span.reason) for span in found]
        at += len(line)
    return _whole_lines(text, spans)


def without(text: str, spans: Sequence[Span]) -> str:
    return "".join(_kept(text, spans))


def _in_line(line: str) -> list[Span]:
    plain = line.translate(_HALF)
    if reason := _line_reason(plain):
        return [Span(0, len(line), reason)]
    if not (ADDRESS.search(plain) or any(notice.search(plain) for notice in _NOTICES)):
        return []
    spans = []
    for start, end in _sentences(plain):
        reason = _sentence_reason(_QUOTED.sub("", plain[start:end]))
        if reason and not _in_quotation(plain[:start]):
            spans.append(Span(start, end, reason))
    return spans


def _line_reason(plain: str) -> str:
    bare = plain.strip(_DECORATION + "\r\n")
    if not bare:
        return ""
    if _NAVIGATION.fullmatch(bare):
        return "navigation"
    if _CHAPTER_END.fullmatch(bare):
        return "chapter_end"
    if len(bare) <= _BEGGING_LONGEST and _BEGGING.match(bare):
        return "begging"
    return ""


def _sentence_reason(sentence: str) -> str:
    if any(notice.search(sentence) for notice in _NOTICES):
        return "site_notice"
    if ADDRESS.search(sentence) and _BESIDE_ADDRESS.search(sentence):
        return "site_address"
    return ""


def _sentences(plain: str) -> Iterator[tuple[int, int]]:
    """Sentences with their ends; the dots of an address end none, nor do its brackets."""
    addresses = [match.span() for match in ADDRESS.finditer(plain)]
    start, last = 0, len(plain.rstrip("\r\n"))
    while start < last:
        end = last
        if bracketed := _BRACKETS.match(plain, start, last):
            end = bracketed.end()
        else:
            for match in _ENDS.finditer(plain, start, last):
                if not any(a <= match.start() < b for a, b in addresses):
                    end = match.end()
                    break
        yield start, end
        start = end


def _in_quotation(before: str) -> bool:
    opened = sum(before.count(sign) for sign in _OPEN)
    return opened > sum(before.count(sign) for sign in _CLOSE)


def _kept(text: str, spans: Sequence[Span]) -> Iterator[str]:
    at = 0
    for span in spans:
        yield text[at : span.start]
        at = span.end
    yield text[at:]


def _whole_lines(text: str, spans: list[Span]) -> list[Span]:
    """The last line has no line end of its own: where it goes, the one before it goes too."""
    if not spans or spans[-1].end < len(text) or text.endswith("\n"):
        return spans
    first = len(spans) - 1
    while first and spans[first - 1].end == spans[first].start:
        first -= 1
    begin = spans[first].start
    if begin and text[begin - 1] == "\n":
        spans[first] = Span(begin - 1, spans[first].end, spans[first].reason)
    return spans
