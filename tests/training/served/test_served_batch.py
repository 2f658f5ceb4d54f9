"""Batches: order, bounds, failures apart, and going on after an interruption at any point."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from retrieval.types import Message
from tests.training.served.served_peer import Peer, listening, said
from training.errors import EngineUnreachable
from training.served.asking import Ask, Unusable
from training.served.batch import Batch, Lines
from training.served.client import Client, Endpoint, Sampling


def nothing(done: int, total: int, note: str = "") -> None:
    """No progress."""


def whole(text: str) -> str:
    if "胡言" in text:
        raise Unusable("是胡言")
    return text


def asks(count: int, sampling: Sampling | None = None) -> list[Ask[str]]:
    how = sampling or Sampling()
    return [Ask((Message("user", f"第{n}问"),), whole, sampling=how) for n in range(count)]


def echo(body: dict[str, Any]) -> str:
    return f"答{said(body)}"


def test_answers_stand_in_the_order_of_the_questions(tmp_path: Path) -> None:
    def slow_first(body: dict[str, Any]) -> str:
        if said(body) == "第0问":
            assert late.wait(60)
        elif said(body) == "第19问":
            late.set()
        return echo(body)

    late = threading.Event()
    progress: list[int] = []

    def tell(done: int, total: int, note: str = "") -> None:
        assert (total, note) == (20, "")
        progress.append(done)

    batch = Batch(Peer(slow_first).client(), tmp_path / "a.jsonl", at_once=4)
    results = batch.run(asks(20), tell)
    assert results.values == [f"答第{n}问" for n in range(20)]
    assert progress == list(range(21))


def test_no_more_at_once_than_allowed(tmp_path: Path) -> None:
    lock, full = threading.Lock(), threading.Barrier(3)
    now, most = 0, 0

    def says(body: dict[str, Any]) -> str:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        full.wait(60)
        with lock:
            now -= 1
        return echo(body)

    Batch(Peer(says).client(), tmp_path / "a.jsonl", at_once=3).run(asks(12), nothing)
    assert most == 3


def test_what_was_answered_is_not_asked_again(tmp_path: Path) -> None:
    peer = Peer(echo)
    for count in (5, 8):
        results = Batch(peer.client(), tmp_path / "a.jsonl").run(asks(count), nothing)
    assert (results.kept, results.made, len(peer.bodies)) == (5, 8, 8)
    other = Batch(peer.client(model="n"), tmp_path / "a.jsonl").run(asks(2), nothing)
    warm = Batch(peer.client(), tmp_path / "a.jsonl").run(asks(2, Sampling(seed=3)), nothing)
    assert (other.kept, warm.kept) == (0, 0)


def test_the_same_question_is_asked_once(tmp_path: Path) -> None:
    peer = Peer(echo)
    results = Batch(peer.client(), tmp_path / "a.jsonl").run([*asks(2), *asks(2)], nothing)
    assert results.values == ["答第0问", "答第1问"] * 2
    assert (len(peer.bodies), results.kept) == (2, 2)


def test_failures_lie_apart_with_their_reasons_and_are_asked_again(tmp_path: Path) -> None:
    def says(body: dict[str, Any]) -> str | httpx.Response:
        question = body["messages"][0]["content"]
        if question == "第1问":
            return "胡言"
        return httpx.Response(400, text="too long") if question == "第2问" else echo(body)

    file = tmp_path / "a.jsonl"
    results = Batch(Peer(says).client(), file).run(asks(4), nothing)
    assert results.values == ["答第0问", None, None, "答第3问"]
    assert [failure.place for failure in results.failures] == [1, 2]
    assert results.nonsense == 2
    told = {row["reason"] for row in Lines(file.with_suffix(".failures.jsonl"))}
    assert len(told) == 2
    assert any("是胡言" in reason for reason in told)
    assert any("too long" in reason for reason in told)
    assert len(list(Lines(file))) == 2
    again = Batch(Peer(echo).client(), file).run(asks(4), nothing)
    assert (again.made, again.kept) == (4, 2)


def test_a_torn_line_is_no_line_and_the_next_begins_its_own(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    Batch(Peer(echo).client(), file).run(asks(4), nothing)
    content = file.read_bytes()
    for cut in range(len(content) - 1, 0, -7):
        file.write_bytes(content[:cut])
        peer = Peer(echo)
        results = Batch(peer.client(), file).run(asks(4), nothing)
        # A line that lacks nothing but its end is a whole one.
        whole_lines = sum(_is_json(line) for line in content[:cut].split(b"\n"))
        assert results.values == [f"答第{n}问" for n in range(4)]
        assert len(peer.bodies) == 4 - whole_lines
        assert len(list(Lines(file))) == 4


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def test_what_came_before_the_engine_went_is_kept(tmp_path: Path) -> None:
    def says(body: dict[str, Any]) -> str:
        if said(body) >= "第5问":
            raise httpx.ConnectError("gone")
        return echo(body)

    file = tmp_path / "a.jsonl"
    with pytest.raises(EngineUnreachable):
        Batch(Peer(says).client(), file, at_once=2).run(asks(9), nothing)
    assert len(list(Lines(file))) == 5
    assert Batch(Peer(echo).client(), file).run(asks(9), nothing).kept == 5


def test_an_answer_that_no_longer_holds_is_asked_for_again(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    Batch(Peer(echo).client(), file).run(asks(2), nothing)

    def stricter(text: str) -> str:
        if not text.endswith("！"):
            raise Unusable("没有叹号")
        return text

    peer = Peer(lambda body: f"{said(body)}！")
    strict = [Ask(ask.messages, stricter) for ask in asks(2)]
    assert Batch(peer.client(), file).run(strict, nothing).values == ["第0问！", "第1问！"]
    assert len(peer.bodies) == 2


CHILD = """
import sys
from pathlib import Path
from tests.training.served.test_served_batch import asks, nothing
from training.served.batch import Batch
from training.served.client import Client, Endpoint
client = Client(Endpoint(sys.argv[1], "m"))
Batch(client, Path(sys.argv[2]), at_once=4).run(asks(60), nothing)
"""


def test_killed_in_the_middle_it_goes_on(tmp_path: Path) -> None:
    """SIGKILL at three places; each question is answered once but those under way at a kill."""
    reached = threading.Event()
    allowed = threading.Semaphore(0)

    def says(body: dict[str, Any]) -> str:
        if not allowed.acquire(timeout=0.01):
            reached.set()
            allowed.acquire(timeout=60)
        return echo(body)

    file = tmp_path / "a.jsonl"
    peer = Peer(says)
    with listening(peer) as url:
        for _ in range(3):
            reached.clear()
            before = len(list(Lines(file)))
            allowed.release(15)
            words = [sys.executable, "-c", CHILD, url, str(file)]
            with subprocess.Popen(words) as child:
                assert reached.wait(120)
                child.send_signal(signal.SIGKILL)
            assert len(list(Lines(file))) > before
            allowed.release(4)  # for those that the dead child had asked
        with file.open("ab") as torn:
            torn.write(b'{"key": "00", "te')
        kept = len(list(Lines(file)))
        assert 0 < kept < 60
        allowed.release(1000)
        with Client(Endpoint(url, "m")) as client:
            results = Batch(client, file, at_once=4).run(asks(60), nothing)
    assert results.values == [f"答第{n}问" for n in range(60)]
    assert results.kept == kept
    assert len(peer.bodies) <= 60 + 3 * 4
