"""Every setting of the application, read from `YANCHI_*` in the environment.

`docs/settings.md` lists them; a test holds the two together.
"""

import os
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
SHIPPED_EMBEDDER = ROOT / "data" / "models" / "yanchi-embed-zh"
SAMPLE = ROOT / "data" / "sample"
PERSONAS = ROOT / "data" / "personas"
ADAPTERS = ROOT / "data" / "adapters"


def default_data_dir() -> Path:
    """`$XDG_DATA_HOME/yanchi`, by the XDG base directory specification."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "yanchi"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="YANCHI_", extra="ignore")

    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Where everything lives: database, indexes, weights, adapters, logs.",
    )
    database_url: str | None = Field(
        default=None, description="SQLAlchemy URL; SQLite in the data directory by default."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on; loopback only.")
    port: int = Field(default=8600, ge=0, le=65535, description="Port to listen on.")

    engine: Literal["vllm", "scripted"] = Field(
        default="vllm", description="What writes: vLLM, or the deterministic fake for demos."
    )
    model: str | None = Field(
        default=None,
        description="Local directory, Hugging Face id or ModelScope id (`ms:owner/name`); "
        "by default one that fits the hardware.",
    )
    engine_url: str | None = Field(
        default=None,
        description="Somebody else's OpenAI-compatible endpoint (ends in /v1); "
        "no vLLM is started then.",
    )
    engine_api_key: SecretStr | None = Field(
        default=None, description="Key for `engine_url`; our own vLLM gets a random one."
    )
    window: int | None = Field(
        default=None,
        ge=512,
        description="Tokens of context to serve (prompt and output); by hardware when unset.",
    )
    prompt_tokens: int | None = Field(
        default=None,
        ge=256,
        description="Most tokens a prompt may take; by hardware when unset "
        "(a CPU reads about 130 tokens a second).",
    )
    kv_cache_gib: int = Field(
        default=2, ge=1, description="Memory for vLLM's key-value cache on a CPU, GiB."
    )
    gpu_memory_utilization: float = Field(
        default=0.85, gt=0, le=1, description="Share of the GPU's memory that vLLM may take."
    )
    max_lora_rank: int = Field(default=64, description="Largest LoRA rank that is served.")
    engine_start_seconds: int = Field(
        default=900, ge=1, description="How long the engine may take to become ready."
    )

    embedding_model: str = Field(
        default=str(SHIPPED_EMBEDDER),
        description="Any sentence-transformers model: directory or hub id.",
    )
    embedding_device: str | None = Field(
        default=None, description="`cpu`, `cuda` …; sentence-transformers chooses when unset."
    )
    vector_store: Literal["faiss", "pgvector"] = Field(
        default="faiss",
        description="Where passages' vectors are kept: `faiss` (files in the data directory), or "
        "`pgvector` (schema `yanchi_vectors` of a PostgreSQL `database_url`, for several desks; "
        "needs the extension, 0.8 or newer).",
    )
    recaps: Literal["auto", "model", "extractive", "off"] = Field(
        default="auto",
        description="Who makes recaps: `extractive` (sentences of the text, at once), `model` (that, "
        "then the served model in the background), `auto` (`model` where our own engine has a "
        "GPU, else the model only when asked), `off` (only those written by hand).",
    )
    reranking_model: str | None = Field(
        default=None,
        description="A cross-encoder that looks at the best passages again (directory or hub id, "
        "e.g. `BAAI/bge-reranker-v2-m3`); none by default: it wants a GPU.",
    )
    max_import_bytes: int = Field(
        default=64 * 2**20, ge=1, description="Largest file that can be imported, bytes."
    )
    sample: bool = Field(default=True, description="Load the sample novel into an empty desk.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="How much the server says."
    )

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'yanchi.db'}"

    @cached_property
    def weights_dir(self) -> Path:
        return self.data_dir / "models"

    @cached_property
    def index_dir(self) -> Path:
        return self.data_dir / "index"

    @cached_property
    def adapters_dir(self) -> Path:
        return self.data_dir / "adapters"

    @cached_property
    def logs_dir(self) -> Path:
        return self.data_dir / "logs"
