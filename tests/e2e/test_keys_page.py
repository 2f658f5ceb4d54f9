"""Keys for other programs, on a phone: one is made, told once, used and revoked."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.axe import faults
from tests.e2e.rooms import still
from tests.e2e.served import Served
from tests.e2e.test_shots import PHONE
from tests.e2e.visit import Visit, visiting

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

NAME = "酒馆"
TOKENS = 6
SAY = {
    "model": "scripted", "max_tokens": TOKENS,
    "messages": [{"role": "user", "content": "说一句话。"}],
}  # fmt: skip


@pytest.fixture
def hand(chrome: Browser, web: Served) -> Iterator[Visit]:
    with visiting(chrome, web, viewport=PHONE, has_touch=True, is_mobile=True) as visit:
        visit.context.add_init_script("localStorage.setItem('yanchi.tour', '{\"done\":true}')")
        visit.open("#/settings/access")
        yield visit


def ask(served: Served, secret: str) -> httpx.Response:
    return served.http.post(
        "/v1/chat/completions", json=SAY, headers={"authorization": f"Bearer {secret}"}
    )


def sound(page: Page) -> None:
    still(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert faults(page) == []


def line(page: Page, name: str) -> Locator:
    return page.locator("main .line").filter(has_text=name)


def test_a_key_is_made_told_once_used_and_revoked(hand: Visit) -> None:
    page, served = hand.page, hand.served
    expect(page.get_by_text("还没有密钥。")).to_be_visible()
    page.get_by_label("给哪个程序用").fill(NAME)
    page.get_by_text("限额", exact=True).tap()
    page.get_by_label("每分钟请求数").fill("30")
    page.get_by_role("button", name="做一把密钥").tap()

    told = page.get_by_role("region", name=f"“{NAME}”的密钥")
    expect(told).to_contain_text("yc-")
    secret = told.inner_text()
    page.get_by_role("button", name=f"复制“{NAME}”的密钥").tap()
    hand.until(lambda: page.evaluate("navigator.clipboard.readText()") == secret, "a copy")
    for sample in ("curl", "Python"):
        expect(page.get_by_role("region", name=sample)).to_contain_text(secret)
    sound(page)

    assert ask(served, "yc-nobody").status_code == 401
    assert ask(served, secret).is_success
    (key,) = served.ok("GET", "/api/keys")
    assert key["requests_per_minute"] == 30
    use = "/api/keys/use"
    counted = hand.until(
        lambda: served.ok("GET", use, params={"key_id": key["id"]}), "the use of the key"
    )

    page.reload()
    expect(line(page, NAME)).to_contain_text("今天用过")
    tokens = counted[0]["prompt_tokens"] + TOKENS
    expect(line(page, NAME)).to_contain_text(f"近 30 天 1 次，{tokens} 词元")
    assert secret not in page.content()

    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name=f"作废“{NAME}”").tap()
    expect(page.get_by_text("还没有密钥。")).to_be_visible()
    assert ask(served, secret).status_code == 401
    page.get_by_text("作废了的", exact=False).tap()
    expect(line(page, NAME)).to_be_visible()
    sound(page)
