"""Is this directory a model that an engine can serve? Looked at closely, but never executed."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from server.errors import WeightsError

PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
TOKENIZERS = (("tokenizer.json",), ("vocab.json", "merges.txt"), ("tokenizer.model",))
INDEX = "model.safetensors.index.json"


def check_directory(folder: Path) -> None:
    """Raises WeightsError naming what is missing or unsafe in `folder`."""
    if not folder.is_dir():
        raise WeightsError(f"没有 {folder} 这个目录，请检查路径。")
    if (folder / "adapter_config.json").exists() and not (folder / "config.json").exists():
        raise WeightsError(f"{folder} 是 LoRA 适配器而不是模型，请把 --model 指向它的基座模型。")
    missing = [*_missing_parts(folder), *_missing_shards(folder)]
    if missing:
        raise WeightsError(f"{folder} 里缺少{'、'.join(missing)}，请换一个完整的模型目录。")
    for path in sorted(folder.glob("*.safetensors")):
        _check_file(path)


def _missing_parts(folder: Path) -> list[str]:
    missing = []
    if not (folder / "config.json").is_file():
        missing.append(" config.json")
    if not any(folder.glob("*.safetensors")):
        missing.append(" safetensors 权重" + _what_else(folder))
    if not any(all((folder / name).is_file() for name in names) for names in TOKENIZERS):
        missing.append("分词器（tokenizer.json）")
    elif not _has_chat_template(folder):
        missing.append("对话模板（chat_template）")
    return missing


def _what_else(folder: Path) -> str:
    if any(path for pattern in PICKLES for path in folder.glob(pattern)):
        return "（只有可能夹带代码的 pickle 权重，不予加载）"
    if any(folder.glob("*.gguf")):
        return "（GGUF 不能直接使用）"
    return ""


def _missing_shards(folder: Path) -> list[str]:
    index = folder / INDEX
    if not index.is_file():
        return []
    try:
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, AttributeError):
        return [f"可读的 {INDEX}"]
    return [f" {shard}" for shard in sorted(shards) if not (folder / shard).is_file()]


def _has_chat_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file() or (folder / "chat_template.json").is_file():
        return True
    try:
        config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(isinstance(config, dict) and config.get("chat_template"))


def _check_file(path: Path) -> None:
    """The header tells how long the file must be; a cut one is found without reading it."""
    try:
        with safe_open(path, framework="np"):
            pass
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} 已损坏或不完整（{error}），请重新获取。") from error
