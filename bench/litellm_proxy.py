"""LiteLLM's proxy before the bench's engine, as quick as its own settings make it: one worker (the
desk is one process), no database, no logging of streams, no telemetry, nothing fetched.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.children import answers, child, wait
from bench.peers.packages import FOLDER

BINARY = FOLDER / "envs" / "litellm" / "bin" / "litellm"
CONFIG = """\
model_list:
  - model_name: {model}
    litellm_params: {{model: openai/{model}, api_base: "{engine}", api_key: none}}
litellm_settings:
  disable_streaming_logging: true
  num_retries: 0
  set_verbose: false
  telemetry: false
general_settings:
  disable_spend_logs: true
  disable_error_logs: true
"""
ENVIRONMENT = {
    # Without a key, as the desk beside it.
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOG": "ERROR",
    "LITELLM_MODE": "PRODUCTION",
    "NO_DOCS": "True",
}


@contextmanager
def litellm(home: Path, engine: str, model: str) -> Iterator[tuple[str, psutil.Process]]:
    """(its address with /v1, its process). Raises RuntimeError where it is not installed or does
    not start, TimeoutError."""
    if not BINARY.is_file():
        raise RuntimeError("LiteLLM is not in .bench-peers; make bench-peers")
    config = home / "litellm.yaml"
    config.write_text(CONFIG.format(model=model, engine=engine), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(BINARY), "--config", str(config), "--host", "127.0.0.1", "--port", str(port),
        "--num_workers", "1", "--telemetry", "False",
    ]  # fmt: skip
    with child(command, home / "litellm.log", **ENVIRONMENT) as process:
        address = f"http://127.0.0.1:{port}"
        wait(lambda: answers(f"{address}/health/liveliness"), process, "LiteLLM's proxy")
        yield f"{address}/v1", process
