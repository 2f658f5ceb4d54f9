"""What an author should hear while a run goes on: each finding once, with what to do."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from retrieval.measures import seq_rep

WINDOW = 30
"""Steps whose losses are averaged to see whether anything is learned."""
FLAT = 0.01
"""Less gone of the loss than this share after three windows is nothing learned."""
RISING = 1.01
"""The held-out loss over its best, twice in a row."""
REPEATING = 0.5
"""seq-rep-4 from which a sample goes round in circles; prose is below 0.1."""
LONG_ENOUGH = 40
"""Characters of a sample of which that can be said."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """`facts` is what the message says in numbers, for who says it in another language."""

    code: str
    message: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Watchdog:
    """Fed with what happens, in order; a resumed run is fed its log again."""

    _first: list[float] = field(default_factory=list)
    _last: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    _steps: int = 0
    _best: tuple[float, int] | None = None
    _above: int = 0
    _said: set[str] = field(default_factory=set)

    def stepped(self, loss: float) -> list[Alarm]:
        self._steps += 1
        self._last.append(loss)
        if len(self._first) < WINDOW:
            self._first.append(loss)
        if self._steps != 3 * WINDOW:
            return []
        before, now = sum(self._first) / WINDOW, sum(self._last) / WINDOW
        if now < before * (1 - FLAT):
            return []
        return self._once(
            "loss_flat",
            f"练了 {self._steps} 步，损失几乎没降（{before:.3f} → {now:.3f}）："
            "请看看学习率是不是太小，或数据里的回答是不是都学过了。",
            steps=self._steps,
            before=before,
            now=now,
        )

    def evaluated(self, step: int, loss: float) -> list[Alarm]:
        if self._best is None or loss < self._best[0]:
            self._best, self._above = (loss, step), 0
            return []
        self._above = self._above + 1 if loss > self._best[0] * RISING else 0
        if self._above < 2:
            return []
        best, at = self._best
        return self._once(
            "eval_rising",
            f"留出集的损失从第 {at} 步起在上升（{best:.3f} → {loss:.3f}），多半开始背书："
            f"可以停下，会留下第 {at} 步；下次请减少轮数或降低学习率。",
            at=at,
            best=best,
            loss=loss,
        )

    def ended(self) -> list[Alarm]:
        """The first evaluation was of the model before training."""
        if self._best is None or self._best[1] != 0:
            return []
        return self._once(
            "no_better",
            f"练完后留出集的损失没有比练之前低（{self._best[0]:.3f}）：这次的适配器不值得发布。"
            "请换学习率、轮数，或多备一些数据。",
            best=self._best[0],
        )

    def sampled(self, step: int, text: str) -> list[Alarm]:
        if not text.strip():
            return self._once(
                "empty_output",
                f"第 {step} 步的试写是空的：请检查数据里有没有空回答，或降低学习率。",
                step=step,
            )
        if len(text) >= LONG_ENOUGH and seq_rep(text, 4) > REPEATING:
            return self._once(
                "repetition",
                f"第 {step} 步的试写在原地打转：多半练过头了，请减少轮数或降低学习率。",
                step=step,
            )
        return []

    def _once(self, code: str, message: str, **facts: float) -> list[Alarm]:
        if code in self._said:
            return []
        self._said.add(code)
        return [Alarm(code, message, facts)]
