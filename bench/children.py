"""Servers of a benchmark as child processes: started, waited for, and ended by their own id."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

START_SECONDS = 120


@contextmanager
def child(command: Sequence[str], log: Path, **environment: str) -> Iterator[psutil.Popen]:
    """Its output goes to `log`; it has ended when the block has."""
    with log.open("wb") as out:
        process = psutil.Popen(
            command, env={**os.environ, **environment}, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait(true: Callable[[], bool], process: psutil.Popen, name: str) -> None:
    """Raises RuntimeError where the process ends first, TimeoutError where it takes too long."""
    end = time.monotonic() + START_SECONDS
    while not true():
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended with {process.poll()}")
        if time.monotonic() > end:
            raise TimeoutError(f"{name} did not become ready")
        time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def cpu_seconds(process: psutil.Process) -> float:
    """Of it and what it has started, so far."""
    spent = 0.0
    for one in (process, *process.children(recursive=True)):
        times = one.as_dict(["cpu_times"])["cpu_times"]  # None of a zombie
        spent += times.user + times.system if times else 0.0
    return spent
