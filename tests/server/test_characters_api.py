"""Characters over HTTP beyond their sheets: colours, summaries, portraits, voices."""

import io

import pytest
from PIL import Image

from server.models import Character
from server.pigments import PIGMENTS
from server.portraits import MOST_BYTES, SIDE
from tests.server.conftest import CHAPTERS, Client
from tests.server.test_story_api import Desk

TEXTS = list(CHAPTERS.values())


@pytest.fixture
def desk(api: Client) -> Desk:
    return Desk(api)


def picture(
    kind: str, size: tuple[int, int] = (900, 600), mode: str = "RGB", **how: object
) -> bytes:
    made = io.BytesIO()
    colour = {"P": 1, "RGBA": (136, 68, 170, 40)}.get(mode, "#8844aa")
    Image.new(mode, size, colour).save(made, kind, **how)
    return made.getvalue()


def test_colours_come_in_turn_until_one_is_chosen(desk: Desk, api: Client) -> None:
    path = f"{desk.root}/characters"
    assert [c["color"] for c in api.ok("GET", path)] == list(PIGMENTS[:2])
    chosen = api.ok("POST", path, json={"name": "阿朱", "color": "rouge"})
    assert chosen["color"] == "rouge"
    assert api.ok("PATCH", f"{path}/{chosen['id']}", json={"color": "ash"})["color"] == "ash"
    api.refused(422, "invalid_request", "PATCH", f"{path}/{chosen['id']}", json={"color": "blue"})


def test_a_summary_is_the_author_s_or_the_sheet_s(desk: Desk, api: Client) -> None:
    path = f"{desk.root}/characters"
    made = api.ok("POST", path, json={"name": "老周", "sheet": {"身份": "船家。抽旱烟。"}})
    assert made["summary"] == "船家。"
    told = api.ok("PATCH", f"{path}/{made['id']}", json={"summary": "不肯渡人的船家"})
    assert told["summary"] == "不肯渡人的船家"
    assert api.ok("PATCH", f"{path}/{made['id']}", json={"summary": ""})["summary"] == "船家。"
    assert api.ok("POST", path, json={"name": "路人"})["summary"] == ""


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_portrait_is_kept_small_and_given_back(desk: Desk, api: Client, kind: str) -> None:
    path = f"{desk.root}/characters/{desk.shen}/portrait"
    api.refused(404, "portrait_not_found", "GET", path)
    assert api.ok("PUT", path, files={"file": ("a", picture(kind))})["portrait"] is True
    listed = api.ok("GET", f"{desk.root}/characters")
    assert [c["portrait"] for c in listed] == [True, False]
    answer = api.http.get(path)
    assert answer.headers["content-type"] == "image/webp"
    with Image.open(io.BytesIO(answer.content), formats=["WEBP"]) as kept:
        assert kept.size == (SIDE, SIDE * 2 // 3)
    again = api.http.get(path, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    api.ok("DELETE", path)
    api.refused(404, "portrait_not_found", "DELETE", path)


def test_a_portrait_keeps_nothing_of_its_file_but_the_picture(desk: Desk, api: Client) -> None:
    path = f"{desk.root}/characters/{desk.shen}/portrait"
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "住在渡口三号"
    api.ok("PUT", path, files={"file": ("a", picture("JPEG", exif=exif))})
    data = api.http.get(path).content
    with Image.open(io.BytesIO(data)) as kept:
        # Turned upright as the file said, and then no longer said.
        assert kept.size == (SIDE * 2 // 3, SIDE)
        assert not kept.getexif()
    api.ok("PUT", path, files={"file": ("a", picture("PNG", (40, 40), "RGBA"))})
    with Image.open(io.BytesIO(api.http.get(path).content)) as kept:
        assert kept.mode == "RGBA"
        assert kept.size == (40, 40)
    api.ok("PUT", path, files={"file": ("a", picture("PNG", mode="P"))})


def test_what_is_no_picture_is_refused(desk: Desk, api: Client) -> None:
    path = f"{desk.root}/characters/{desk.shen}/portrait"
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    whole = picture("PNG")
    for data in (
        b"",
        svg,
        b"not a picture",
        picture("GIF"),
        picture("BMP"),
        whole[: len(whole) // 2],
    ):
        api.refused(422, "not_a_picture", "PUT", path, files={"file": ("a.png", data)})
    api.refused(413, "too_large", "PUT", path, files={"file": ("a", b"\0" * (MOST_BYTES + 1))})
    bomb = picture("PNG", (6000, 6000), "1")
    assert len(bomb) < MOST_BYTES
    api.refused(413, "too_large", "PUT", path, files={"file": ("a.png", bomb)})
    assert not any(c["portrait"] for c in api.ok("GET", f"{desk.root}/characters"))


def voice(desk: Desk, *lines: str) -> None:
    path = f"{desk.root}/characters/{desk.lu}"
    told = desk.api.ok("PATCH", path, json={"voice": lines})
    assert told["voice"] == list(lines)


def places(desk: Desk) -> list[list[tuple[int | None, int]]]:
    """Chapter, by number, and offset of the pieces of each line of her voice."""
    with desk.api.desk.database.reading() as session:
        lines = session.get_one(Character, desk.lu).voice
    ids = [None, *desk.chapters]
    return [[(ids.index(p["chapter_id"]) or None, p["offset"]) for p in line["pieces"]]
            for line in lines]  # fmt: skip


SAID = "你昨夜去了哪里？"


def behind(text: str, words: str) -> int:
    return text.index(words) + len(words)


def test_a_line_knows_where_the_book_says_it_first(desk: Desk, api: Client) -> None:
    voice(desk, f"“{SAID}”", "天凉得早。", "好。")
    end = behind(TEXTS[1], SAID[:-1])
    assert places(desk) == [[(2, end)], [(None, 0)], []]
    first, second, _ = desk.chapters
    api.ok("PUT", f"{desk.root}/chapters/{second}", json={"text": "那年。" + TEXTS[1]})
    api.ok("PUT", f"{desk.root}/chapters/{first}", json={"text": TEXTS[0] + "她说天凉得早。"})
    assert places(desk)[:2] == [[(2, end + 3)], [(1, len(TEXTS[0]) + 6)]]
    api.ok("PUT", f"{desk.root}/chapters/{first}", json={"text": SAID + TEXTS[0]})
    assert places(desk)[:2] == [[(2, end + 3)], [(None, 0)]]
    api.ok("PUT", f"{desk.root}/chapters/{second}", json={"text": "空了。"})
    assert places(desk)[0] == [(1, len(SAID) - 1)]


def test_a_line_is_known_with_he_said_left_out(desk: Desk) -> None:
    voice(desk, "老周头蹲在船头抽烟，水很大，雨下了一夜。")
    assert places(desk) == [[(3, behind(TEXTS[2], "抽烟")), (1, behind(TEXTS[0], "一夜"))]]


def test_a_line_said_in_a_chapter_that_is_in_the_bin_stays_there(desk: Desk, api: Client) -> None:
    second = desk.chapters[1]
    api.ok("DELETE", f"{desk.root}/chapters/{second}")
    voice(desk, SAID)
    assert places(desk)[0][0][0] == 2
