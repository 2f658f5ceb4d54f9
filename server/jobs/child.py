"""A job's process: started in a session of its own, so that it lives on when the server goes.

`psutil` tells whether a process is still the one that was started: numbers are used again.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

import psutil

from server.engines.leftovers import is_alive, started
from server.jobs.folder import Folder

_ours: dict[int, subprocess.Popen[bytes]] = {}
"""Children of this very process, which nobody else can reap."""


YANCHI = (sys.executable, "-m", "yanchi")


def start(
    folder: Folder, command: Sequence[str], environment: Mapping[str, str]
) -> tuple[int, float]:
    """The process id, and when it started (seconds since the epoch).

    It yields to whoever writes at the desk: work that takes an hour may take a little longer.
    """
    kind = [nice, "-n", "10"] if (nice := shutil.which("nice")) else []
    with folder.out.open("wb") as out, folder.err.open("ab") as err:
        process = subprocess.Popen(
            [*kind, *command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    _ours[process.pid] = process
    return process.pid, started(process.pid)


def lives(pid: int | None, since: float | None) -> bool:
    if pid is None or since is None:
        return False
    child = _ours.get(pid)
    if child is not None:
        if child.poll() is None:
            return True
        del _ours[pid]
        return False
    return is_alive(pid, since) and not _is_zombie(pid)


def ask_to_end(pid: int, since: float) -> None:
    """SIGTERM to the child's whole session."""
    _signal(pid, since, signal.SIGTERM)


def end(pid: int, since: float) -> None:
    """SIGKILL to the child's whole session."""
    _signal(pid, since, signal.SIGKILL)


def _signal(pid: int, since: float, number: signal.Signals) -> None:
    if lives(pid, since):
        with contextlib.suppress(OSError):
            os.killpg(pid, number)


def _is_zombie(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return True
