"""A picture of every room in both languages and all themes, and nothing in it that an eye minds.

`YANCHI_SHOTS` names the folder for the pictures; then every language wears every theme.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.eye import seen_wrong
from tests.e2e.rooms import LANGUAGES, LEAVING, PLACES, THEMES, Rooms, rooms_of, still

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
WORN = [("zh", "light"), ("en", "dark"), ("zh", "sepia")]
ALL_WORN = [(language, theme) for language in LANGUAGES for theme in THEMES]


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    wanted = os.environ.get("YANCHI_SHOTS")
    folder = Path(wanted) if wanted else tmp_path_factory.mktemp("shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def rooms(
    chrome: Browser, built: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rooms]:
    with rooms_of(chrome, tmp_path_factory.mktemp("desk"), built) as found:
        yield found


@pytest.mark.parametrize(
    ("language", "theme"), WORN if "YANCHI_SHOTS" not in os.environ else ALL_WORN
)
def test_every_room_on_a_desk(rooms: Rooms, shots: Path, language: str, theme: str) -> None:
    rooms.page.set_viewport_size(WIDE)
    wrong = walked(rooms, shots, language, theme)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_room_in_a_hand(rooms: Rooms, shots: Path, language: str) -> None:
    rooms.page.set_viewport_size(PHONE)
    wrong = walked(rooms, shots, language, "light", "phone-")
    assert not wrong, "\n".join(wrong)


def walked(rooms: Rooms, shots: Path, language: str, theme: str, before: str = "") -> list[str]:
    """Takes a picture of each room; what is wrong in them, by room."""
    rooms.wear(theme, language)
    wrong: list[str] = []
    for name, enter in PLACES.items():
        enter(rooms)
        still(rooms.page)
        rooms.page.screenshot(path=shots / f"{before}{name}-{language}-{theme}.png")
        faults = [*seen_wrong(rooms.page, language), *rooms.visit.unexpected()]
        wrong += [f"{name}: {fault}" for fault in faults]
        rooms.visit.faults.clear()
        LEAVING.get(name, lambda _: None)(rooms)
    return wrong
