"""`yanchi adapters merge`, `gguf`, `blend` and `run`: what can be made of adapters, and with them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.commands.asking import AtOnce, Url
from training.commands.common import (
    AsJson,
    DataDir,
    ProgressJson,
    data_dir_for,
    print_json,
    progress,
    say,
    sentences,
)
from training.errors import BadInput

if TYPE_CHECKING:
    from training.served.client import Client

Wanted = Annotated[
    str, typer.Argument(help="名字（当前版本）、名字-v版本，或目录。", show_default=False)
]
Base = Annotated[
    str | None, typer.Option(help="底座：目录或模型名；默认照适配器的来历。", show_default=False)
]
DeskUrl = Annotated[
    str | None,
    typer.Option("--desk", help="书桌的地址；默认找这个数据目录正开着的书桌。", show_default=False),
]
Quick = Annotated[bool, typer.Option("--quick", help="不载入底座试答。")]
GIB = 2**30


def merge(
    wanted: Wanted,
    out: Annotated[Path, typer.Argument(help="新模型的目录。", show_default=False)],
    base: Base = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """把适配器（DoRA 也行）并入底座，成为一个可以直接服务的模型。"""
    with sentences(as_json):
        from training.publishing.given import base_of, find_adapter
        from training.publishing.merge import merge as merge_into

        folder = data_dir_for(data_dir)
        adapter = find_adapter(wanted, folder)
        told = merge_into(adapter, base_of(adapter, base, folder), out.expanduser())
        _tell(told, as_json, f"并好了：yanchi serve --model {told}")


def gguf(
    wanted: Annotated[
        str, typer.Argument(help="适配器（先并入底座），或一个模型的目录。", show_default=False)
    ],
    out: Annotated[Path, typer.Argument(help="新的 .gguf 文件。", show_default=False)],
    kind: Annotated[str, typer.Option("--type", help="f16、bf16 或 q8_0。")] = "q8_0",
    base: Base = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    as_lines: ProgressJson = False,
) -> None:
    """导出为 GGUF，供 llama.cpp 一类的程序使用（稠密的 Qwen2、Qwen2.5、Qwen3）。"""
    if kind not in ("f16", "bf16", "q8_0"):
        raise typer.BadParameter("只能是 f16、bf16 或 q8_0", param_hint="--type")
    with sentences(as_json), progress("写出 GGUF", as_lines) as advance:
        from tempfile import TemporaryDirectory

        from training.publishing.gguf_export import write_gguf
        from training.publishing.given import base_of, find_adapter
        from training.publishing.merge import merge as merge_into

        target, folder = out.expanduser(), data_dir_for(data_dir)
        model = Path(wanted).expanduser()
        if (model / "config.json").is_file():
            told = write_gguf(model, target, kind, progress=advance)  # type: ignore[arg-type]
        else:
            adapter = find_adapter(wanted, folder)
            own_base = base_of(adapter, base, folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(prefix=".gguf-", dir=target.parent) as workshop:
                whole = merge_into(adapter, own_base, Path(workshop) / "merged")
                name = adapter.name
                told = write_gguf(whole, target, kind, name=name, progress=advance)  # type: ignore[arg-type]
        _tell(told, as_json, f"写好了 {told}（{told.stat().st_size / GIB:.2f} GiB）")


def blend(
    wanted: Annotated[list[str], typer.Argument(help="两个或更多适配器。", show_default=False)],
    name: Annotated[str, typer.Option(help="发布的名字。", show_default=False)],
    weights: Annotated[str, typer.Option(help="各自的权重，如 0.7,0.3。", show_default=False)],
    rank: Annotated[
        int | None, typer.Option(min=1, help="压缩到这个秩；默认不压缩，秩相加。")
    ] = None,
    title: Annotated[str, typer.Option(help="给人看的名字。")] = "",
    base: Base = None,
    quick: Quick = False,
    desk: DeskUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """把同一个底座的几个适配器按权重混成一个，发布成新的适配器。"""
    with sentences(as_json):
        from training.publishing.blending import publish_blend
        from training.publishing.desk import serve
        from training.publishing.publish import Checks

        shares, folder = _numbers(weights, len(wanted)), data_dir_for(data_dir)
        told, lost = publish_blend(
            list(zip(wanted, shares, strict=True)),
            folder,
            name=name,
            title=title,
            rank=rank,
            base=base,
            checks=Checks(prompts=()) if quick else None,
        )
        served = serve(told.folder.name, desk, folder)
        if as_json:
            print_json({"folder": told.folder.name, "path": str(told.folder), "lost": lost,
                        "rank": told.record["rank"], "served": served})  # fmt: skip
        else:
            cut = f"，压缩丢掉了变化的 {lost:.1%}" if rank else ""
            say(f"混好了 {told.folder.name}，秩 {told.record['rank']}{cut}。")


def run(
    wanted: Annotated[str, typer.Argument(help="适配器，或引擎里的模型名。", show_default=False)],
    questions: Annotated[
        Path,
        typer.Argument(
            help="问题：JSONL，每行有 prompt 或 messages。", exists=True, dir_okay=False
        ),
    ],
    out: Annotated[Path, typer.Argument(help="回答：JSONL。", show_default=False)],
    url: Url = "",
    at_once: AtOnce = 8,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="每条最多写多少词元。")] = None,
    temperature: Annotated[float | None, typer.Option(min=0, max=2)] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    as_lines: ProgressJson = False,
) -> None:
    """一次问一个文件；中断后再运行，只补没有答的。"""
    with sentences(as_json), progress("回答问题", as_lines) as advance:
        from training.publishing.batch import read_questions, run_batch

        defaults = {"max_tokens": max_tokens, "temperature": temperature}
        given = {key: value for key, value in defaults.items() if value is not None}
        with open_client(url, wanted, data_dir_for(data_dir)) as client:
            asked = read_questions(questions, client.model, given)
            done = run_batch(asked, out.expanduser(), client, at_once=at_once, progress=advance)
        if as_json:
            print_json({"out": str(out), "answered": done.answered, "kept": done.kept,
                        "failed": done.failed, "tokens": done.tokens, "errors": done.errors})  # fmt: skip
        else:
            for error in done.errors[:10]:
                say(error)
            say(f"答了 {done.answered} 条，原有 {done.kept} 条，失败 {done.failed} 条：{out}")
    if done.failed:
        raise typer.Exit(1)


commands: list[Callable[..., None]] = [merge, gguf, blend, run]


def _tell(told: Path, as_json: bool, sentence: str) -> None:
    if as_json:
        print_json({"path": str(told)})
    else:
        say(sentence)


def _numbers(text: str, wanted: int) -> list[float]:
    try:
        found = [float(part) for part in text.replace("，", ",").split(",")]
    except ValueError as error:
        raise BadInput(f"权重“{text}”应是用逗号分开的数，如 0.7,0.3") from error
    if len(found) != wanted:
        raise BadInput(f"有 {wanted} 个适配器，却有 {len(found)} 个权重")
    return found


def open_client(url: str, wanted: str, data_dir: Path) -> "Client":
    """A published adapter is served under its folder's name, and a desk that is not told where to
    ask is told to load it; any other word is a model's."""
    from training.publishing.desk import serve
    from training.publishing.engine import DeskClient, client_for
    from training.publishing.given import shelf_of

    try:
        folder = shelf_of(data_dir).find(wanted).folder.name
    except BadInput:
        return client_for(url, wanted, data_dir)
    client = client_for(url, folder, data_dir)
    if isinstance(client, DeskClient):
        serve(folder, None, data_dir)
    return client
