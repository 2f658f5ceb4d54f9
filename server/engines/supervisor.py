"""Keeps one engine process running: start, readiness, restart with back-off, a clean end.

    starting → ready → restarting → ready …      starting | restarting → failed
    any → stopped

Knows processes, logs and time; nothing of HTTP, tokens or adapters: whether the child is
healthy, and what to do once it is, are asked of the caller. Processes are watched by polling,
so it runs under any event loop and in any thread.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from server.engines import engine_log
from server.engines.base import State
from server.engines.child import Child
from server.errors import EngineError, EngineFailed, EngineStarting

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. A death is quick when the engine never became ready or was not yet stable."""

    start: float = 900.0
    first_delay: float = 1.0
    most_delay: float = 60.0
    stable: float = 60.0
    quick_deaths: int = 4
    poll: float = 0.25
    health: float = 2.0
    hang: float = 60.0


class _LifeOverError(Exception):
    """The child has ended or must end; the log knows the cause unless it is given."""

    def __init__(self, cause: engine_log.Cause | None = None) -> None:
        super().__init__()
        self.cause = cause


@dataclass(frozen=True, slots=True)
class _Death:
    cause: engine_log.Cause
    quick: bool


class Supervisor:
    """`healthy()` is True when the child answers well, False when it says it is broken, None
    when it does not answer. `on_ready` runs after each (re)start, before the state becomes
    `ready`; EngineFailed there is final, any other EngineError means not ready yet.
    """

    def __init__(
        self,
        child: Child,
        *,
        healthy: Callable[[], Awaitable[bool | None]],
        on_ready: Callable[[], Awaitable[None]],
        timing: Timing | None = None,
    ) -> None:
        self._child = child
        self._healthy = healthy
        self._on_ready = on_ready
        self._timing = timing or Timing()
        self._task: asyncio.Task[None] | None = None
        self.state: State = "stopped"
        self.detail = ""
        self.restarts = 0

    def check(self) -> None:
        """Raises EngineStarting or EngineFailed unless the engine is ready."""
        if self.state == "ready":
            return
        if self.state == "starting":
            raise EngineStarting(f"引擎还在启动（{self.detail}），请稍候再试。")
        if self.state == "restarting":
            raise EngineStarting(f"引擎正在重新启动（{self.detail}），请稍候再试。")
        if self.state == "failed":
            reason = self.detail.partition("\n")[0]
            raise EngineFailed(f"引擎无法运行：{reason}；详细记录在 {self._child.log}。")
        raise EngineFailed("引擎已经停止，请重新启动 yanchi serve。")

    async def start(self) -> None:
        """Returns at once; starting a running supervisor changes nothing."""
        if self._task is not None and not self._task.done():
            return
        self.state, self.detail, self.restarts = "starting", "正在启动引擎进程", 0
        self._task = asyncio.create_task(self._run(), name="engine supervisor")

    async def stop(self) -> None:
        """Leaves no process behind; takes at most the grace period and a few seconds."""
        self._child.let_go()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._child.end()
        self._child.forget()
        self.state, self.detail = "stopped", ""

    async def _run(self) -> None:
        try:
            await asyncio.to_thread(self._child.prepare)
            await self._keep_running()
        except OSError as error:
            logger.exception("the engine cannot be supervised")
            self._fail(f"无法启动引擎进程（{error}）")
        except asyncio.CancelledError:
            self._child.forget()
            raise
        except Exception as error:
            # A fault of ours must be seen: silent, it would look like an endless start.
            logger.exception("the engine's supervision broke")
            self._fail(f"看护引擎时出错（{error}），请重新启动 yanchi serve")
            await self._child.end()
        finally:
            self._child.let_go()

    async def _keep_running(self) -> None:
        delay, quick = self._timing.first_delay, 0
        while True:
            death = await self._live_once()
            quick = quick + 1 if death.quick else 1
            delay = delay if death.quick else self._timing.first_delay
            logger.error("the engine died: %s", death.cause.phrase)
            # An engine that has served for long can be started again, whatever ended it.
            if death.quick and (death.cause.final or quick >= self._timing.quick_deaths):
                self._fail(death.cause.phrase)
                return
            self.state = "restarting"
            self.detail = f"{death.cause.phrase}，{delay:.0f} 秒后重启"
            await asyncio.sleep(delay)
            delay = min(delay * 2, self._timing.most_delay)
            self.restarts += 1
            self.detail = "正在重新启动引擎进程"

    def _fail(self, reason: str) -> None:
        lines = engine_log.last_lines(self._child.said())
        self.state, self.detail = "failed", f"{reason}\n{lines}".rstrip()

    async def _live_once(self) -> _Death:
        """One life of the child, from its start until nothing of it is left."""
        # Not in a thread: a cancelled task would not see the process that still comes of it.
        self._child.spawn()
        ready_at: float | None = None
        known: engine_log.Cause | None = None
        try:
            await self._until_ready()
            ready_at = time.monotonic()
            self.state, self.detail = "ready", ""
            await self._until_broken()
        except _LifeOverError as over:
            known = over.cause
        finally:
            if ready_at is not None:
                self.state, self.detail = "restarting", "引擎意外退出"
            status = await self._child.end()
        served = ready_at is not None
        lived = time.monotonic() - ready_at if ready_at is not None else 0.0
        cause = known or engine_log.cause(self._child.said(), status, served=served)
        return _Death(cause, quick=lived < self._timing.stable)

    async def _until_ready(self) -> None:
        """Raises _LifeOverError when the child dies or takes too long."""
        deadline = time.monotonic() + self._timing.start
        while not await self._is_ready():
            if self._child.died():
                raise _LifeOverError
            if time.monotonic() > deadline:
                seconds = f"{self._timing.start:.0f}"
                phrase = f"启动超过 {seconds} 秒仍未就绪，可以调大 YANCHI_ENGINE_START_SECONDS"
                raise _LifeOverError(engine_log.Cause(phrase, final=True))
            if phase := engine_log.phase(self._child.said()):
                self.detail = phase
            await asyncio.sleep(self._timing.poll)

    async def _is_ready(self) -> bool:
        if not await self._healthy():
            return False
        try:
            await self._on_ready()
        except EngineFailed as error:
            raise _LifeOverError(engine_log.Cause(error.message, final=True)) from error
        except EngineError:
            logger.exception("the engine answers, but is not ready")
            return False
        return True

    async def _until_broken(self) -> None:
        """Raises _LifeOverError when the child dies, says it is broken, or hangs."""
        answered = checked = time.monotonic()
        while not self._child.died():
            await asyncio.sleep(self._timing.poll)
            if time.monotonic() - checked < self._timing.health:
                continue
            well = await self._healthy()
            checked = time.monotonic()
            if well is False:
                raise _LifeOverError
            if well:
                answered = checked
            elif checked - answered > self._timing.hang:
                raise _LifeOverError(engine_log.Cause("引擎没有响应", final=False))
        raise _LifeOverError
