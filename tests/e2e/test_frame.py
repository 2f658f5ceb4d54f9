"""The frame that every room stands in."""

import pytest
from playwright.sync_api import expect

from tests.e2e.visit import Visit

pytestmark = pytest.mark.e2e


def test_the_rooms_are_reached_by_their_names(visit: Visit) -> None:
    visit.open()
    rooms = visit.page.get_by_role("navigation", name="房间")
    expect(rooms.get_by_role("link", name="书架")).to_have_attribute("aria-current", "page")
    rooms.get_by_role("link", name="训练").click()
    expect(rooms.get_by_role("link", name="训练")).to_have_attribute("aria-current", "page")


def test_look_and_language_are_remembered(visit: Visit) -> None:
    visit.open()
    visit.page.get_by_role("button", name="夜砚").click()
    visit.page.get_by_role("button", name="EN").click()
    visit.page.reload()
    expect(visit.page.get_by_role("link", name="Shelf")).to_be_visible()
    expect(visit.page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(visit.page.locator("html")).to_have_attribute("lang", "en")


def test_names_with_a_hash_are_kept_for_good(visit: Visit) -> None:
    visit.open()
    script = visit.page.locator("script[src]").first.get_attribute("src")
    assert script is not None
    kept = visit.served.http.get(f"/{script.removeprefix('./')}")
    assert "immutable" in kept.headers["cache-control"]
    assert visit.served.http.get("/").headers["cache-control"] == "no-cache"
