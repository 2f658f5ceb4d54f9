"""Answers from a model that is served, several requests at once."""

from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from urllib.parse import urlsplit

from retrieval.types import Message
from training.errors import PromptRefused
from training.served.client import Client, Sampling, Schema
from training.served.together import together

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
        asked = {
            place: partial(self._client.ask, messages, sampling, schema)
            for place, messages in enumerate(prompts)
        }
        for place, answered in together(self._client, asked, self._at_once):
            try:
                text = answered.result().text
            except PromptRefused:
                continue
            yield place, text
