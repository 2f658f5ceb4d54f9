"""Jobs outlive whoever started them, one at a time, and nothing about them is forgotten."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from server.errors import Conflict, NotFound
from server.jobs.board import Jobs, Room
from server.jobs.folder import Job

pytestmark = pytest.mark.slow

PROGRAM = """
import json, os, pathlib, signal, sys, time
what, *rest = sys.argv[1:]
def tell(done): print(json.dumps({"done": done, "total": 3, "note": "第 %d 步" % done}), file=sys.stderr, flush=True)
if what == "count":
    for n in (1, 2, 3): tell(n)
    print(json.dumps({"rows": 3, "engine": os.environ.get("YANCHI_SERVED_URL")}))
elif what == "refuse":
    print(json.dumps({"error": {"code": "bad_input", "message": "第 2 条没有回答。"}})); sys.exit(1)
elif what == "crash":
    print("内存不够了", file=sys.stderr); os._exit(3)
elif what == "wait":
    tell(1)
    while not pathlib.Path(rest[0]).exists(): time.sleep(0.02)
    print("{}")
elif what == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN); tell(1)
    while True: time.sleep(1)
elif what == "train":
    run = pathlib.Path(rest[-1]); (run / "checkpoints" / "step-1").mkdir(parents=True, exist_ok=True); tell(1)
    while not (run / "stop").exists(): time.sleep(0.02)
    (run / "stop").unlink(); print(json.dumps({"state": "stopped", "args": sys.argv[1:]}))
"""


class Board:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / "program.py"
        self.program.write_text(PROGRAM, encoding="utf-8")
        self.room: list[str] = []

    def jobs(self) -> Jobs:
        async def give() -> None:
            self.room.append("given")

        async def take_back() -> None:
            self.room.append("taken back")

        return Jobs(
            self.folder,
            lambda: {"YANCHI_SERVED_URL": "http://engine/v1"},
            Room(give, take_back),
            program=(sys.executable, str(self.program)),
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Jobs]:
        jobs = self.jobs()
        jobs.start()
        try:
            yield jobs
        finally:
            await jobs.close()


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def over(jobs: Jobs, job: Job) -> Job:
    await until(lambda: jobs.get(job.id).is_over)
    return jobs.get(job.id)


def test_a_job_tells_how_far_it_is_and_what_came_of_it(board: Board) -> None:
    async def work() -> None:
        async with board.open() as jobs:
            job = jobs.add("count", "数三下", lambda _: ["count"], about={"rows": 3})
            done = await over(jobs, job)
            folder = jobs.folder(job.id)
            assert done.state == "done"
            assert done.about == {"rows": 3}
            assert folder.progress() == {"done": 3, "total": 3, "note": "第 3 步"}
            assert folder.result() == {"rows": 3, "engine": "http://engine/v1"}

    asyncio.run(work())


@pytest.mark.parametrize(
    ("what", "code", "told"),
    [("refuse", "bad_input", "第 2 条没有回答。"), ("crash", "interrupted", "内存不够了")],
)
def test_a_failure_says_why(board: Board, what: str, code: str, told: str) -> None:
    async def work() -> None:
        async with board.open() as jobs:
            failed = await over(jobs, jobs.add("x", "做不成", lambda _: [what]))
            assert failed.state == "failed"
            assert failed.error is not None
            assert failed.error["code"] == code
            assert told in failed.error["message"]

    asyncio.run(work())


def test_one_tuning_job_at_a_time_in_order(board: Board) -> None:
    gates = [board.folder / name for name in "ab"]

    async def work() -> None:
        async with board.open() as jobs:
            first, second = (
                jobs.add("tune", gate.name, lambda _, g=gate: ["wait", str(g)], lane="tuning")  # type: ignore[misc]
                for gate in gates
            )
            beside = jobs.add("count", "旁边的", lambda _: ["count"])
            assert (await over(jobs, beside)).state == "done"
            await until(lambda: jobs.get(first.id).state == "running")
            assert jobs.get(second.id).state == "queued"
            gates[0].touch()
            assert (await over(jobs, first)).state == "done"
            await until(lambda: jobs.get(second.id).state == "running")
            gates[1].touch()
            await over(jobs, second)

    asyncio.run(work())


def test_a_job_lives_through_a_restart_and_is_found_again(board: Board) -> None:
    gate = board.folder / "gate"

    async def begin() -> Job:
        async with board.open() as jobs:
            job = jobs.add("wait", "等着", lambda _: ["wait", str(gate)])
            await until(lambda: jobs.folder(job.id).progress() is not None)
            return jobs.get(job.id)

    async def find(job: Job) -> None:
        async with board.open() as jobs:
            assert jobs.get(job.id).state == "running"
            gate.touch()
            assert (await over(jobs, job)).state == "done"

    job = asyncio.run(begin())
    assert psutil.pid_exists(job.pid or 0)
    asyncio.run(find(job))


def test_a_job_that_died_meanwhile_can_be_gone_on_with(board: Board) -> None:
    gate = board.folder / "gate"

    async def begin() -> Job:
        async with board.open() as jobs:
            job = jobs.add("wait", "等着", lambda _: ["wait", str(gate)])
            await until(lambda: jobs.get(job.id).state == "running")
            return jobs.get(job.id)

    async def find(job: Job) -> None:
        async with board.open() as jobs:
            failed = await over(jobs, job)
            assert failed.error is not None
            assert failed.error["code"] == "interrupted"
            gate.touch()
            jobs.again(job.id)
            assert (await over(jobs, job)).state == "done"
            assert jobs.get(job.id).tries == 2

    job = asyncio.run(begin())
    os.killpg(job.pid or 0, 9)
    asyncio.run(find(job))


def test_stopping_a_tuning_run_lets_it_save_and_going_on_resumes_it(board: Board) -> None:
    async def work() -> None:
        async with board.open() as jobs:
            job = jobs.add(
                "train",
                "练",
                lambda folder: ["train", "recipe.yaml", "--json", "--run-dir",
                                str(jobs.runs / folder.path.name)],
                lane="tuning",
                makes_room=True,
                run=True,
            )  # fmt: skip
            await until(lambda: jobs.folder(job.id).progress() is not None)
            assert jobs.has_the_room
            assert board.room == ["given"]
            with pytest.raises(Conflict):
                jobs.remove(job.id)
            jobs.stop(job.id)
            stopped = await over(jobs, job)
            assert stopped.state == "stopped"
            assert not jobs.has_the_room
            assert board.room == ["given", "taken back"]
            again = jobs.again(job.id)
            assert again.args == ("train", "--resume", str(jobs.runs / job.id), "--json")
            jobs.stop(job.id)
            await over(jobs, job)
            jobs.remove(job.id)
            with pytest.raises(NotFound):
                jobs.get(job.id)

    asyncio.run(work())
    assert list((board.folder / "runs").iterdir()) == []


def test_who_does_not_end_when_asked_is_made_to(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.jobs.board.GRACE_SECONDS", 0.2)

    async def work() -> None:
        async with board.open() as jobs:
            job = jobs.add("deaf", "不听", lambda _: ["deaf"])
            await until(lambda: jobs.folder(job.id).progress() is not None)
            pid = jobs.get(job.id).pid
            jobs.stop(job.id)
            assert (await over(jobs, job)).state == "stopped"
            assert not psutil.pid_exists(pid or 0)

    asyncio.run(work())


def test_a_waiting_job_is_taken_off_the_list(board: Board) -> None:
    jobs = board.jobs()
    job = jobs.add("count", "不做了", lambda _: ["count"])
    assert jobs.stop(job.id).state == "stopped"
    assert time.time() >= (jobs.get(job.id).ended or 0) > 0


def test_what_is_no_job_is_not_found(board: Board) -> None:
    for ident in ("../../etc", "20260101-000000-abcdef"):
        with pytest.raises(NotFound):
            board.jobs().get(ident)


def test_a_folder_that_holds_nonsense_is_passed_over(board: Board) -> None:
    jobs = board.jobs()
    job = jobs.add("count", "好的", lambda _: ["count"])
    (jobs.root / "20260101-000000-abcdef").mkdir()
    (jobs.root / "20260101-000000-abcdef" / "job.json").write_text(json.dumps({"id": 1}))
    assert [found.id for found in jobs.all()] == [job.id]
