"""axe over the whole page, bar and all, in every room and theme."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.axe import faults
from tests.e2e.rooms import LEAVING, PLACES, THEMES, Rooms, rooms_of, still
from tests.e2e.test_shots import PHONE, WIDE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def rooms(
    chrome: Browser, built: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rooms]:
    with rooms_of(chrome, tmp_path_factory.mktemp("desk"), built) as found:
        yield found


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_serious_in_any_room(rooms: Rooms, theme: str) -> None:
    rooms.page.set_viewport_size(WIDE)
    rooms.wear(theme, "zh")
    wrong = walked(rooms)
    assert not wrong, "\n".join(wrong)


def test_axe_finds_nothing_serious_on_a_small_screen(rooms: Rooms) -> None:
    rooms.page.set_viewport_size(PHONE)
    rooms.wear("light", "en")
    wrong = walked(rooms)
    assert not wrong, "\n".join(wrong)


def walked(rooms: Rooms) -> list[str]:
    """What axe finds, by room. What fades in has not its contrast yet."""
    wrong: list[str] = []
    for name, enter in PLACES.items():
        enter(rooms)
        still(rooms.page)
        wrong += [f"{name}: {fault}" for fault in faults(rooms.page)]
        LEAVING.get(name, lambda _: None)(rooms)
    return wrong
