"""Keys, their limits, and what was used with them."""

from typing import Any

import httpx
import openai
import pytest

from server.engines.scripted import Delay
from server.openai.errors import ApiError
from server.openai.keys import Guest
from server.openai.limits import Limits
from tests.server.v1.conftest import Served, wait_for

SAY: list[Any] = [{"role": "user", "content": "说一句话。"}]


def make(served: Served, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = served.ok("POST", "/api/keys", json={"name": "酒馆", **fields})
    return made


def test_until_there_is_a_key_anybody_on_this_machine_may_ask(served: Served) -> None:
    assert served.http.get("/v1/models").status_code == 200
    made = make(served)
    assert served.http.get("/v1/models").status_code == 401
    with pytest.raises(openai.AuthenticationError) as caught:
        served.sdk("sk-something-else-entirely").models.list()
    assert caught.value.code == "invalid_api_key"
    assert list(served.sdk(made["secret"]).models.list())


def test_a_revoked_key_opens_nothing_even_when_no_other_is_left(served: Served) -> None:
    made = make(served)
    served.ok("DELETE", f"/api/keys/{made['id']}")
    assert served.http.get("/v1/models").status_code == 200
    with pytest.raises(openai.AuthenticationError):
        served.sdk(made["secret"]).models.list()
    assert served.http.delete(f"/api/keys/{'0' * 32}").json()["error"]["code"] == "key_not_found"


def test_a_secret_is_told_once(served: Served) -> None:
    made = make(served)
    (listed,) = served.ok("GET", "/api/keys")
    assert "secret" not in listed
    assert made["secret"].endswith(listed["hint"])
    assert made["secret"] not in str(served.ok("GET", "/api/keys/use"))


def test_use_is_counted_for_each_key_and_model(served: Served) -> None:
    one, other = make(served), make(served)
    for key, times in ((one, 2), (other, 1)):
        for _ in range(times):
            served.sdk(key["secret"]).chat.completions.create(
                model="scripted", messages=SAY, max_tokens=6
            )
    counted = {row["key_id"]: row for row in served.use()}
    assert counted[one["id"]]["requests"] == 2
    assert counted[one["id"]]["completion_tokens"] == 12
    assert counted[other["id"]]["requests"] == 1
    (alone,) = served.ok("GET", "/api/keys/use", params={"key_id": other["id"]})
    assert alone["completion_tokens"] == 6


def test_over_its_limit_a_key_waits(served: Served) -> None:
    made = make(served, requests_per_minute=1)
    sdk = served.sdk(made["secret"])
    sdk.chat.completions.create(model="scripted", messages=SAY, max_tokens=5)
    with pytest.raises(openai.RateLimitError) as caught:
        sdk.chat.completions.create(model="scripted", messages=SAY, max_tokens=5)
    assert caught.value.code == "rate_limit_exceeded"
    assert int(caught.value.response.headers["retry-after"]) > 0
    assert caught.value.response.headers["x-ratelimit-remaining-requests"] == "0"


def test_a_bucket_fills_steadily_and_may_be_overdrawn() -> None:
    now = [0.0]
    limits = Limits(lambda: now[0])
    guest = Guest("k", requests_per_minute=60, tokens_per_minute=600)
    limits.begin(guest)
    limits.spend(guest, 700)
    with pytest.raises(ApiError) as caught:
        limits.begin(guest)
    assert "tokens" in caught.value.message
    now[0] += 10.2
    assert limits.begin(guest)["x-ratelimit-remaining-tokens"] == "2"
    now[0] += 600
    assert limits.headers(guest)["x-ratelimit-remaining-tokens"] == "600"


@pytest.mark.parametrize("stream", [True, False])
def test_who_goes_away_before_the_first_word_ends_it(served: Served, stream: bool) -> None:
    served.engine._script = iter([Delay(300)])
    wanted = {"model": "scripted", "messages": SAY, "stream": stream}
    with pytest.raises(httpx.ReadTimeout):
        served.http.post("/v1/chat/completions", json=wanted, timeout=1.0)
    wait_for(lambda: served.engine.running == 0)
    wait_for(lambda: [u["failures"] for u in served.use()] == [1])
