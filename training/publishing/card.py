"""README.md of a published adapter: what it is, where it comes from, how to call it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

DESK = "http://127.0.0.1:8600"
_ASK = "雨停了，接着写。"


def card(record: Mapping[str, Any], folder: str) -> str:
    """Markdown; `record` is the adapter's yanchi.json, `folder` the name of its folder."""
    parts = [
        f"# {record['title']}",
        f"`{folder}`：{_kind(record)}，底座 **{record['base']['name']}**，"
        f"秩 {record['rank']}，{record['created'][:10]} 发布。",
        "## 来历",
        _origin(record),
    ]
    if record.get("judged"):
        parts += ["## 评测", _judged(record["judged"])]
    if record.get("samples"):
        parts += ["## 有它没它", _samples(record["samples"])]
    parts += ["## 怎么调用", _calls(record, folder)]
    return "\n\n".join(parts) + "\n"


def _kind(record: Mapping[str, Any]) -> str:
    methods = {"pretrain": "续训语料", "sft": "指令微调", "dpo": "偏好微调（DPO）",
               "kto": "偏好微调（KTO）"}  # fmt: skip
    return methods.get(record["recipe"].get("method", ""), "LoRA 适配器")


def _origin(record: Mapping[str, Any]) -> str:
    rows = [f"- 底座指纹 `{record['base']['sha256'][:16]}…`：只能用在这个底座上，服务时会核对。"]
    rows += [
        f"- 数据 {each['name']}：{each['rows']:,} 条，`{each['digest'][:16]}…`"
        for each in record["data"]
    ]
    recipe = record["recipe"]
    if recipe:
        tuning = recipe.get("tuning", {})
        told = {
            "方法": tuning.get("kind"),
            "学习率": recipe.get("learning_rate"),
            "轮数": recipe.get("epochs"),
            "长度": recipe.get("length"),
            "种子": recipe.get("seed"),
        }
        words = "，".join(f"{key} {value}" for key, value in told.items() if value is not None)
        rows.append(f"- 配方 {recipe.get('name', '')}：{words}（全文在 yanchi.json）")
    rows += [f"- 目标层：{'、'.join(record['target_modules'])}"] if record["target_modules"] else []
    rows += [f"- {note}" for note in record.get("notes", ())]
    return "\n".join(rows)


_VERDICTS = {"better": "更好", "worse": "更差", "even": "分不出高下"}


def _judged(judged: Mapping[str, Any]) -> str:
    rows = [
        f"- {_VERDICTS.get(each['verdict'], each['verdict'])}：{each['sentence']}"
        for each in judged["outcomes"]
    ]
    return "\n".join([f"在 {judged['data']} 留出的文字上（{judged['cases']} 例）：", "", *rows])


def _samples(samples: Sequence[Mapping[str, str]]) -> str:
    rows = [
        f"| {_cell(each['prompt'])} | {_cell(each['base'])} | {_cell(each['adapted'])} |"
        for each in samples
    ]
    return "\n".join(["| 问 | 底座答 | 它答 |", "|---|---|---|", *rows])


def _cell(text: str) -> str:
    """One line that cannot end its cell."""
    return " ".join(text.split()).replace("|", "\\|") or "（空）"


def _system(record: Mapping[str, Any]) -> str | None:
    """What the conversations began with in training, so that serving begins the same way."""
    system = str(record["recipe"].get("system", ""))
    return system.removeprefix("text:").strip() if system.startswith("text:") else None


def _calls(record: Mapping[str, Any], folder: str) -> str:
    system = _system(record)
    messages = ([{"role": "system", "content": system}] if system else []) + [
        {"role": "user", "content": _ASK}
    ]
    as_json = "[" + ", ".join(_message(each) for each in messages) + "]"
    return f"""书桌正开着时（`yanchi serve`），载入一次，之后续写和人物对话都可以选它：

```sh
curl -X POST {DESK}/api/adapters -H 'content-type: application/json' \\
  -d '{{"name": "{folder}"}}'
curl -N -X POST {DESK}/api/works/作品编号/chapters/章节编号/continue \\
  -H 'content-type: application/json' -d '{{"length": 400, "adapter": "{folder}"}}'
curl {DESK}/v1/chat/completions -H 'content-type: application/json' \\
  -d '{{"model": "{folder}", "messages": {as_json}}}'
```

Python（任何 OpenAI 客户端）：

```python
from openai import OpenAI

client = OpenAI(base_url="{DESK}/v1", api_key="-")
answer = client.chat.completions.create(
    model="{folder}",
    messages={as_json},
)
print(answer.choices[0].message.content)
```

不开书桌，直接用 vLLM：

```sh
python -m vllm.entrypoints.openai.api_server --model 底座的目录 --enable-lora \\
  --max-lora-rank {record["served_rank"]} --lora-modules {folder}=这个目录
```

它的地址是 http://127.0.0.1:8000/v1，别的都一样。

一次问一个文件（JSONL 进，JSONL 出，中断后接着做）：

```sh
yanchi adapters run {folder} 问题.jsonl 回答.jsonl
```"""


def _message(message: Mapping[str, str]) -> str:
    told = json.dumps(dict(message), ensure_ascii=False)
    return told.replace("'", "’")
