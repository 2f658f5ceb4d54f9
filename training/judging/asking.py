"""Answers from a model that is served, several requests at once."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cached_property
from urllib.parse import urlsplit

from retrieval.types import Message
from training.errors import PromptRefused
from training.served.client import Client, Sampling, Schema

AT_ONCE = 4


class EndpointWriter:
    """Nothing is asked before `name` or `write` is. Raises EngineUnreachable."""

    def __init__(self, client: Client, at_once: int = AT_ONCE) -> None:
        self._client, self._at_once = client, at_once

    @cached_property
    def name(self) -> str:
        return f"{urlsplit(self._client.endpoint.url).netloc} 上的 {self._client.model}"

    def write(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        schema: Schema | None = None,
    ) -> Iterator[tuple[int, str]]:
        """As `Writer.write`; what came before the engine was lost has been given out."""
        pool = ThreadPoolExecutor(self._at_once, thread_name_prefix="writing")
        try:
            asked = {
                pool.submit(self._client.ask, messages, sampling, schema): place
                for place, messages in enumerate(prompts)
            }
            for answered in as_completed(asked):
                try:
                    text = answered.result().text
                except PromptRefused:
                    continue
                yield asked[answered], text
        except BaseException:
            self._client.stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
