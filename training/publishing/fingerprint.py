"""Which base model this is: one digest that stays the same however its files are cut or copied.

Taken are what an adapter depends on: the shape of the network, the vocabulary, and the weights
(every tensor's name, type and shape, and 64 KiB spread over its bytes: two seconds for the
largest models). The chat template is told apart, for what was never trained through it does not
depend on it. Left out is what saving a model anew changes: versions, formatting, sharding.

Needs the standard library alone: `python -m training.publishing.fingerprint MODEL` prints the
fingerprint as one JSON object, for the server, which may not import this room.
"""

import hashlib
import json
import struct
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from training.errors import MissingBase

BLOCKS, BLOCK = 16, 4096
"""So many blocks of so many bytes of each tensor are read; smaller tensors are read whole."""
_SHAPE = (
    "model_type",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "vocab_size",
    "tie_word_embeddings",
)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`sha256` stands for `config`, `tokenizer` and `weights` together, not for `template`."""

    name: str
    sha256: str
    config: str
    tokenizer: str
    weights: str
    template: str
    """Of the chat template; empty where there is none."""

    def difference(self, other: "Fingerprint") -> str:
        """“权重、词表”: what makes the two another base; empty when they are the same."""
        parts = {"结构": "config", "词表": "tokenizer", "权重": "weights"}
        return "、".join(
            word for word, key in parts.items() if getattr(self, key) != getattr(other, key)
        )


def fingerprint(model: Path) -> Fingerprint:
    """Raises MissingBase when `model` is no folder with a whole model in safetensors."""
    files = _Files(model)
    config, tokenizer, weights = (
        _digest(files.shape()),
        _digest(files.vocabulary()),
        _digest(list(files.tensors())),
    )
    template = files.template()
    return Fingerprint(
        name=files.name,
        sha256=_digest([config, tokenizer, weights]),
        config=config,
        tokenizer=tokenizer,
        weights=weights,
        template=hashlib.sha256(template.encode()).hexdigest() if template else "",
    )


def tensor_shapes(model: Path) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor of a base, by name, from its files' headers alone.

    Raises MissingBase.
    """
    read_config(model)
    return {name: tuple(shape) for name, _, _, shape, _, _ in _Files(model).headers()}


def read_config(model: Path) -> dict[str, Any]:
    """A base's config.json. Raises MissingBase."""
    return _Files(model).config


class _Files:
    """What lies in a model's folder, read no further than a fingerprint needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def config(self) -> dict[str, Any]:
        config = self._json("config.json")
        if config is None:
            raise MissingBase(f"底座 {self.folder} 不在，或那里没有模型（缺 config.json）。")
        return config

    @property
    def name(self) -> str:
        """As it was fetched, else the folder's own name."""
        manifest = self._json("manifest.json") or {}
        return str(manifest.get("name") or self.folder.resolve().name)

    def shape(self) -> dict[str, Any]:
        """The same for every way in which transformers has written it."""
        facts = {key: self.config.get(key) for key in _SHAPE}
        facts["tie_word_embeddings"] = bool(facts["tie_word_embeddings"])
        if not facts["head_dim"] and facts["num_attention_heads"]:
            facts["head_dim"] = facts["hidden_size"] // facts["num_attention_heads"]
        rope = dict(self.config.get("rope_parameters") or self.config.get("rope_scaling") or {})
        rope.setdefault("rope_theta", self.config.get("rope_theta"))
        kind = rope.pop("type", rope.pop("rope_type", None))
        numbers = {key: _rounded(value) for key, value in rope.items()}
        return facts | {"rope": numbers | {"rope_type": kind or "default"}}

    def vocabulary(self) -> dict[str, Any]:
        tokenizer = self._json("tokenizer.json")
        if tokenizer is None:
            return {"files": [self._whole(n) for n in ("vocab.json", "merges.txt")]}
        model = tokenizer.get("model", {})
        merges = (m if isinstance(m, str) else " ".join(m) for m in model.get("merges", ()))
        added = {token["content"]: token["id"] for token in tokenizer.get("added_tokens", ())}
        # Added tokens stand in the vocabulary too, or do not: it makes no difference.
        return {"vocab": dict(model.get("vocab", ())) | added, "merges": list(merges)}

    def tensors(self) -> Iterator[list[Any]]:
        """By name: name, type, shape, digest of the sampled bytes."""
        tied = bool(self.config.get("tie_word_embeddings"))
        for name, file, dtype, shape, start, size in self.headers():
            if not (tied and name == "lm_head.weight"):
                yield [name, dtype, shape, _sample(file, start, size)]

    def headers(self) -> list["_Header"]:
        """By name."""
        found = []
        for file in self._shards():
            with file.open("rb") as stream:
                found += _headers(stream, file)
        return sorted(found)

    def _shards(self) -> list[Path]:
        index = self._json("model.safetensors.index.json")
        names = sorted(set(index["weight_map"].values())) if index else ["model.safetensors"]
        missing = [name for name in names if not (self.folder / name).is_file()]
        if missing:
            raise MissingBase(f"底座 {self.folder} 不完整：缺 {missing[0]}。")
        return [self.folder / name for name in names]

    def template(self) -> str:
        path = self.folder / "chat_template.jinja"
        if path.is_file():
            return path.read_text("utf-8").rstrip("\n")
        for name in ("chat_template.json", "tokenizer_config.json"):
            told = (self._json(name) or {}).get("chat_template")
            if isinstance(told, list):
                told = next((t["template"] for t in told if t.get("name") == "default"), None)
            if told:
                return str(told).rstrip("\n")
        return ""

    def _json(self, name: str) -> dict[str, Any] | None:
        try:
            read = json.loads((self.folder / name).read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise MissingBase(f"底座 {self.folder} 的 {name} 读不了：{error}") from error
        return read if isinstance(read, dict) else None

    def _whole(self, name: str) -> str:
        path = self.folder / name
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


_Header = tuple[str, Path, str, list[int], int, int]
"""Name, file, type, shape, start and size in bytes of one tensor."""


def _headers(stream: BinaryIO, file: Path) -> list[_Header]:
    """Every tensor of a safetensors file."""
    try:
        (length,) = struct.unpack("<Q", stream.read(8))
        header = json.loads(stream.read(length))
    except (struct.error, ValueError, OverflowError, MemoryError) as error:
        raise MissingBase(f"底座的 {file.name} 不是完整的 safetensors 文件。") from error
    header.pop("__metadata__", None)
    return [
        (name, file, told["dtype"], told["shape"], 8 + length + begin, end - begin)
        for name, told in header.items()
        for begin, end in [told["data_offsets"]]
    ]


def _sample(file: Path, start: int, size: int) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        for offset, length in _blocks(size):
            stream.seek(start + offset)
            digest.update(stream.read(length))
    return digest.hexdigest()


def _blocks(size: int) -> Iterator[tuple[int, int]]:
    """First and last byte are always among them."""
    if size <= BLOCKS * BLOCK:
        yield 0, size
        return
    for number in range(BLOCKS):
        yield number * (size - BLOCK) // (BLOCKS - 1), BLOCK


def _rounded(value: Any) -> Any:
    """1000000, 1000000.0 and what float32 made of it are one number, however it was written."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(f"{value:.6g}") if is_number else value


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def main() -> None:
    try:
        print(json.dumps(asdict(fingerprint(Path(sys.argv[1]))), ensure_ascii=False))
    except MissingBase as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
