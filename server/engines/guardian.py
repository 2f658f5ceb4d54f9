"""A tiny process between the application and the engine: no engine outlives its owner.

Run as a program: `python -I -S guardian.py --grace SECONDS --directory DIR -- COMMAND…`, in a
session of its own, with the owner's end of a pipe as standard input. It starts COMMAND and waits. When
the pipe closes (the owner stopped it, crashed or was killed), when the owner is no longer
its parent, or when COMMAND ends, it ends every process that descends from it. DIR, where the
engine's socket lies, is removed when the owner is dead and cannot do so.

It is a child subreaper (prctl(2), PR_SET_CHILD_SUBREAPER), so grandchildren whose parent
died still descend from it: vLLM's EngineCore and Worker survive a `kill -9` of vLLM's API
server and would otherwise stay for ever. COMMAND itself dies with the guardian
(PR_SET_PDEATHSIG). Standard library only: it must start in milliseconds and weigh little.
"""

import argparse
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
TICK_SECONDS = 0.2
# Python's resource trackers unlink the shared memory of killed processes, then end by themselves.
TRACKER = b"multiprocessing.resource_tracker"
TRACKER_SECONDS = 1.0


def _prctl(option: int, value: int) -> None:
    """Linux only; elsewhere the pipe and the session have to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _die_with_parent() -> None:
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _parents() -> dict[int, int]:
    """Parent by process id, for every process that has not ended yet."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            # The name in parentheses may hold anything, so read behind the last one.
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if state not in "ZX":
            parents[int(entry.name)] = int(parent)
    return parents


def descendants(root: int) -> set[int]:
    """Every living process below `root`, however deep."""
    parents = _parents()
    found: set[int] = set()
    grown = {root}
    while grown:
        grown = {pid for pid, parent in parents.items() if parent in grown} - found
        found |= grown
    return found


def _is_tracker(pid: int) -> bool:
    try:
        return TRACKER in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _remove(directory: Path) -> None:
    """A directory of sockets, without others in it; shutil would double our start-up."""
    try:
        for entry in directory.iterdir():
            entry.unlink()
        directory.rmdir()
    except OSError:
        return


class Guardian:
    def __init__(self, command: list[str], grace: float, directory: Path) -> None:
        self.grace = grace
        self.directory = directory
        self.owner = os.getppid()
        self.told_to_stop = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        _prctl(PR_SET_CHILD_SUBREAPER, 1)
        self.child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent
        )
        self.ended: int | None = None

    def _stop(self, *_: object) -> None:
        self.told_to_stop = True

    def _reap(self) -> None:
        """Collect the dead: the command's exit status, and orphans that were handed to us."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.child.pid:
                self.ended = os.waitstatus_to_exitcode(status)
                self.child.returncode = self.ended

    def _owner_left(self, seconds: float) -> bool:
        # The parent's id is watched too: a forked sibling may hold a copy of the pipe open.
        readable, _, _ = select.select([0], [], [], seconds)
        closed = bool(readable) and not os.read(0, 64)
        return closed or self.told_to_stop or os.getppid() != self.owner

    def _wait_gone(self, pids: set[int], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while pids & descendants(os.getpid()):
            self._reap()
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def _end_tree(self) -> None:
        """Ask, wait `grace` seconds, then kill until nothing is left."""
        asked = {pid for pid in descendants(os.getpid()) if not _is_tracker(pid)}
        _signal_all(asked, signal.SIGTERM)
        self._wait_gone(asked, self.grace)
        while left := {pid for pid in descendants(os.getpid()) if not _is_tracker(pid)}:
            _signal_all(left, signal.SIGKILL)
            self._wait_gone(left, 0.5)
        trackers = descendants(os.getpid())
        if not self._wait_gone(trackers, TRACKER_SECONDS):
            _signal_all(trackers, signal.SIGKILL)
        self._reap()

    def run(self) -> int:
        """Exit status of the command; 128 + n when signal n ended it."""
        while self.ended is None and not self._owner_left(TICK_SECONDS):
            self._reap()
        self._end_tree()
        if os.getppid() != self.owner:
            _remove(self.directory)
        status = self.ended or 0
        return 128 - status if status < 0 else status


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--grace", type=float, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    return Guardian(arguments.command, arguments.grace, arguments.directory).run()


if __name__ == "__main__":
    sys.exit(main())
