"""A text without its white space, and the way back to where each character stood."""


def bare(text: str) -> str:
    """The text's characters that are not white space (Unicode's, the ideographic one too)."""
    return "".join(text.split())


def places(text: str) -> list[int]:
    """Where each character of `bare(text)` stands in `text`."""
    return [place for place, character in enumerate(text) if not character.isspace()]


def prefix(text: str, length: int) -> str:
    """The beginning of `text` with `length` characters that are not white space."""
    stand = places(text)
    return text if len(stand) <= length else text[: stand[length - 1] + 1] if length else ""
