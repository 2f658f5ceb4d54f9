"""How a file from elsewhere is refused."""

from server.errors import Invalid, TooLarge

MOST_JSON = 8 * 2**20
"""Bytes of a card's JSON. The longest cards that go round are some hundred thousand."""


def unknown(message: str) -> Invalid:
    """It is not what it should be."""
    return Invalid(message, code="unreadable_file")


def damaged(message: str) -> Invalid:
    """It was, but is no longer whole."""
    return Invalid(message, code="damaged_file")


def check_json_size(size: int) -> None:
    """Raises TooLarge."""
    if size > MOST_JSON:
        raise TooLarge(
            f"人物卡的文字超过了 {MOST_JSON // 2**20} MB，不像一张人物卡，没有导入；"
            "请换一份，或删去里面的设定集再试。"
        )
