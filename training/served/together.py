"""Many questions to one endpoint at the same time, the answers as they come."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TypeVar

from training.served.client import Client

K = TypeVar("K")
V = TypeVar("V")


def together(
    client: Client, asked: Mapping[K, Callable[[], V]], at_once: int
) -> Iterator[tuple[K, Future[V]]]:
    """Each question's key with its answer, at most `at_once` being asked at a time.

    Left before its end, nobody tries again, and who has not been asked yet is not asked.
    """
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="asking")
    try:
        pending = {pool.submit(ask): key for key, ask in asked.items()}
        for future in as_completed(pending):
            yield pending[future], future
    except BaseException:
        client.stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
