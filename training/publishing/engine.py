"""The model that a command asks: at the address it is told, of the desk that started it, or of the
desk that is open on the data directory, through the desk's own `/v1`."""

import os
from functools import cached_property
from pathlib import Path

import httpx

from training.errors import EngineUnreachable
from training.publishing.desk import find_desk
from training.served.client import Client, Endpoint

NOBODY = (
    "不知道模型在哪里：这个数据目录没有开着的书桌。请先运行 yanchi serve，"
    "或用 --url 给出兼容 OpenAI 的地址（到 /v1 为止）。"
)


def client_for(url: str, model: str, data_dir: Path) -> Client:
    """Nothing is asked yet but whether a desk is there. Raises EngineUnreachable."""
    if url or os.environ.get("YANCHI_SERVED_URL"):
        return Client(Endpoint.told(url, model))
    address = find_desk(data_dir)
    if address is None:
        raise EngineUnreachable(NOBODY)
    return DeskClient(Endpoint.told(f"{address}/v1", model))


class DeskClient(Client):
    """Asks a desk, which passes on to its engine what that understands."""

    @cached_property
    def is_vllm(self) -> bool:
        root = self.endpoint.url.removesuffix("/v1")
        try:
            told = httpx.get(f"{root}/api/engine", timeout=10.0, trust_env=False)
            return bool(told.raise_for_status().json()["kind"] == "vllm")
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return False
