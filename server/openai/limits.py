"""Requests and tokens a minute, as buckets that fill steadily. In memory: a restarted desk begins
with full ones, and several desks count each for itself.
"""

import math
import time
from collections.abc import Callable

from server.openai.errors import LIMIT, ApiError
from server.openai.keys import Guest

MINUTE = 60.0


class Bucket:
    """Holds at most `size`, which is what a minute brings; may be overdrawn."""

    def __init__(self, size: int, at: float) -> None:
        self.size = size
        self._held = float(size)
        self._at = at

    def held(self, now: float) -> float:
        brought = (now - self._at) * self.size / MINUTE
        self._held, self._at = min(self.size, self._held + brought), now
        return self._held

    def take(self, amount: float, now: float) -> None:
        self._held = self.held(now) - amount

    def seconds_until(self, amount: float, now: float) -> float:
        """Until so much is held."""
        return max(0.0, (amount - self.held(now)) * MINUTE / self.size)


class Limits:
    """Of every key; tokens are taken when an answer has ended and it is known how many they were."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[Bucket, Bucket]] = {}

    def begin(self, guest: Guest) -> dict[str, str]:
        """Take one request; returns the headers that tell of it. Raises ApiError (429)."""
        requests, tokens = self._of(guest)
        now = self._clock()
        wait = max(requests.seconds_until(1, now), tokens.seconds_until(1, now))
        if wait > 0:
            kind = "requests" if requests.held(now) < 1 else "tokens"
            raise ApiError(
                f"Rate limit reached for {kind} a minute; try again in {math.ceil(wait)} s.",
                status=429, type=LIMIT, code="rate_limit_exceeded",
                headers={"retry-after": str(math.ceil(wait)), **self.headers(guest)},
            )  # fmt: skip
        requests.take(1, now)
        return self.headers(guest)

    def spend(self, guest: Guest, tokens: int) -> None:
        self._of(guest)[1].take(tokens, self._clock())

    def headers(self, guest: Guest) -> dict[str, str]:
        told: dict[str, str] = {}
        now = self._clock()
        for kind, bucket in zip(("requests", "tokens"), self._of(guest), strict=True):
            full = bucket.seconds_until(bucket.size, now)
            told[f"x-ratelimit-limit-{kind}"] = str(bucket.size)
            told[f"x-ratelimit-remaining-{kind}"] = str(max(0, int(bucket.held(now))))
            told[f"x-ratelimit-reset-{kind}"] = f"{full:.3f}s"
        return told

    def _of(self, guest: Guest) -> tuple[Bucket, Bucket]:
        sizes = (guest.requests_per_minute, guest.tokens_per_minute)
        pair = self._buckets.get(guest.id)
        if pair is None or (pair[0].size, pair[1].size) != sizes:
            now = self._clock()
            pair = self._buckets[guest.id] = (Bucket(sizes[0], now), Bucket(sizes[1], now))
        return pair
