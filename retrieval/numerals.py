"""Numerals as headings write them, to numbers and back."""

_DIGITS = {c: i for i, s in enumerate(
    ("〇零○", "一壹", "二两贰兩貳", "三叁參", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖")
) for c in s}  # fmt: skip
_TENS = {"廿": 20, "卅": 30, "卌": 40}
_POWERS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_MYRIADS = "万萬"
_CHINESE = "".join((*_DIGITS, *_TENS, *_POWERS, *_MYRIADS))
_WRITTEN = "零一二三四五六七八九"
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
NUMERAL = rf"(?:[0-9０-９]{{1,7}}|[{_CHINESE}]{{1,12}})"
"""What a regular expression takes for a numeral; Roman and English ones it leaves out."""


def number_of(numeral: str) -> int | None:
    """The value of an Arabic, full-width, Chinese, Roman or (to ten) English numeral."""
    if numeral.isdecimal():
        return int(numeral)
    if numeral.lower() in _WORDS:
        return _WORDS.index(numeral.lower())
    if numeral and all(c in _ROMAN for c in numeral.upper()):
        return _roman(numeral.upper())
    if numeral and all(c in _CHINESE for c in numeral):
        return _chinese(numeral)
    return None


def chinese_of(number: int) -> str:
    """A number from 0 to 99,999,999 in Chinese: 十二, 二十, 一百零八, 一万零一十."""
    if number == 0:
        return _WRITTEN[0]
    high, low = divmod(number, 10_000)
    gap = _WRITTEN[0] if high and 0 < low < 1000 else ""
    told = (_below_myriad(high) + "万" if high else "") + gap + _below_myriad(low)
    return told[1:] if told.startswith("一十") else told


def _below_myriad(number: int) -> str:
    told, skipped = "", False
    for power, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // power % 10
        if digit:
            told += (_WRITTEN[0] if skipped and told else "") + _WRITTEN[digit] + unit
        skipped = not digit
    return told


def _roman(numeral: str) -> int:
    values = [_ROMAN[c] for c in numeral]
    following = [*values[1:], 0]
    return sum(-v if v < after else v for v, after in zip(values, following, strict=True))


def _chinese(numeral: str) -> int:
    """一百零八 and 廿三 by place value; 一二〇 and 一○八 digit by digit."""
    if len(numeral) > 1 and all(c in _DIGITS for c in numeral):
        return int("".join(str(_DIGITS[c]) for c in numeral))
    total = section = digit = 0
    for c in numeral:
        if c in _DIGITS:
            digit = _DIGITS[c]
        elif c in _TENS:
            section, digit = section + _TENS[c], 0
        elif c in _POWERS:
            section, digit = section + (digit or 1) * _POWERS[c], 0
        else:
            total, section, digit = (total + section + digit) * 10_000, 0, 0
    return total + section + digit
