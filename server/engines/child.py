"""The engine's process tree as one thing: start it under its guardian, watch it, end it all."""

import asyncio
import contextlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count
from pathlib import Path

from server.engines import engine_log, guardian, leftovers
from server.errors import EngineFailed

logger = logging.getLogger(__name__)


class Child:
    """`command(socket)` is what to run, listening on the unix socket `socket`.

    The socket lies in a directory that this user alone can enter. Output goes to a log in
    `logs_dir`: `engine.log`, or one of our own while another server uses that.
    """

    def __init__(
        self,
        command: Callable[[Path], Sequence[str]],
        environment: Mapping[str, str],
        logs_dir: Path,
        grace: float,
    ) -> None:
        self._command = command
        self._environment = dict(environment)
        self._logs_dir = logs_dir
        self._grace = grace
        self._guardian: subprocess.Popen[bytes] | None = None
        self._record: leftovers.Record | None = None
        self._runtime: Path | None = None
        self._log_start = 0
        self.log = logs_dir / "engine.log"

    @property
    def socket(self) -> Path:
        if self._runtime is None:
            raise EngineFailed("引擎没有启动，请先运行 yanchi serve。")
        return self._runtime / "engine.sock"

    def prepare(self) -> None:
        """A log and a directory of our own; no leftovers of an owner that crashed."""
        self._logs_dir.mkdir(parents=True, exist_ok=True)
        if ended := leftovers.end_leftovers(self._logs_dir):
            logger.warning("ended %d processes of an engine that a crash left behind", ended)
        if self._runtime is None:
            self._runtime = Path(tempfile.mkdtemp(prefix="yanchi-"))
            names = chain(["engine"], (f"engine-{os.getpid()}-{n}" for n in count(1)))
            logs = (self._logs_dir / f"{name}.log" for name in names)
            self.log = next(log for log in logs if self._claim(log))
        engine_log.rotate(self.log)

    def _claim(self, log: Path) -> bool:
        return self._describe(log, leftovers.NOBODY).claim(log.with_suffix(".pid"))

    def _describe(self, log: Path, session: int) -> leftovers.Record:
        return leftovers.Record(
            session=session,
            session_started=leftovers.started(session),
            owner=os.getpid(),
            owner_started=leftovers.started(os.getpid()),
            log=str(log),
            runtime_dir=str(self._runtime),
        )

    def spawn(self) -> None:
        self.socket.unlink(missing_ok=True)
        self._log_start = engine_log.size(self.log)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", guardian.__file__),
                    *("--grace", str(self._grace), "--directory", str(self.socket.parent), "--"),
                    *self._command(self.socket),
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        self._guardian = process
        self._record = self._describe(self.log, process.pid)
        self._record.write(self.log.with_suffix(".pid"))

    def died(self) -> bool:
        return self._guardian is None or self._guardian.poll() is not None

    def said(self) -> str:
        """What the present (or last) life wrote into the log."""
        return engine_log.tail(self.log, self._log_start)

    def let_go(self) -> None:
        """Close our end of the guardian's pipe: from here on the engine is ending."""
        if self._guardian is not None and self._guardian.stdin is not None:
            with contextlib.suppress(OSError):
                self._guardian.stdin.close()

    async def end(self) -> int | None:
        """End the whole tree; the engine's exit status, None when there was no child."""
        process, record = self._guardian, self._record
        if process is None or record is None:
            return None
        self.let_go()
        status = await asyncio.to_thread(_wait, process, self._grace + 5.0)
        # The guardian leaves nothing; this is for the case that it was itself killed.
        await asyncio.to_thread(leftovers.end, replace(record, runtime_dir=None))
        self._guardian = self._record = None
        return status

    def forget(self) -> None:
        """Remove the record and the socket's directory."""
        if self._runtime is not None:
            shutil.rmtree(self._runtime, ignore_errors=True)
            self.log.with_suffix(".pid").unlink(missing_ok=True)
            self._runtime = None


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
