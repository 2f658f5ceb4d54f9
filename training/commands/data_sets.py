"""`yanchi data import`, `export`, `show`, `stats`, `info`: sets in and out, and what is in them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from training.commands.building import Replace, store
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
    from training.data.dataset_info import Exported
    from training.data.store import DataSet
    from training.types import Item

SetName = Annotated[
    str, typer.Argument(help="数据集的名字，或者它的目录。", metavar="数据集", show_default=False)
]
PartName = Literal["train", "held_out"]
Part = Annotated[PartName, typer.Option(help="看哪一部分：训练的，还是留出的。")]
PREVIEW = 400


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="JSON、JSONL、TXT、Markdown、DOCX、EPUB、PDF，目录，或 dataset_info.json。",
            metavar="文件",
            show_default=False,
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(help="数据集的名字或目录，默认取自第一个文件。", show_default=False),
    ] = None,
    form: Annotated[
        Literal["alpaca", "sharegpt", "openai"] | None,
        typer.Option("--format", help="格式，默认按每一条的内容认。", show_default=False),
    ] = None,
    column: Annotated[
        list[str],
        typer.Option(help="哪一列是什么，如 prompt=问题；可以写几次。", show_default=False),
    ] = [],  # noqa: B006
    instruction: Annotated[
        Literal["joined", "system"],
        typer.Option(help="Alpaca 的 instruction：和 input 接起来作提问，或作系统提示。"),
    ] = "joined",
    work: Annotated[str, typer.Option(help="都属于哪本书，划分时不拆开。")] = "",
    encoding: Annotated[
        str | None, typer.Option(help="文本文件的编码，默认自动识别。", show_default=False)
    ] = None,
    entry: Annotated[
        str | None, typer.Option(help="dataset_info.json 里的哪一个。", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="num_samples 抽样的种子。", min=0)] = 0,
    replace: Replace = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    """导入数据，建成一个数据集；坏的条目说明原因，其余照常。"""
    with sentences(as_json):
        from training.data.dataset_info import INFO, entry_of, sampled
        from training.data.reading import Options, Reading

        given = {"format": form, "column": column, "instruction": instruction, "work": work,
                 "encoding": encoding, "entry": entry}  # fmt: skip
        count, options = None, Options(_layout(form, column), instruction, work, encoding)
        if files[0].name == INFO:
            found = entry_of(files[0], entry)
            files, count, name = list(found.files), found.num_samples, name or found.name
            options = Options(found.layout, instruction, work, encoding)
        elif entry is not None:
            raise BadInput(f"--entry 只用于 {INFO}")
        reading = Reading(files, options)
        items: Any = sampled(reading, count, seed) if count is not None else reading
        store(
            name or files[0].stem,
            items,
            command="data import",
            options={**given, "files": [path.name for path in files]},
            sources=reading.sources,
            refusals=reading.refusals,
            report={"notes": reading.notes},
            data_dir=data_dir,
            replace=replace,
            as_json=as_json,
            progress_json=progress_json,
        )
        for note in reading.notes:
            say(f"请留意：{note}")


def export(
    dataset: SetName,
    out: Annotated[
        Path,
        typer.Argument(
            help="写到哪个文件（.jsonl、.json、.txt）；--llama-factory 时是目录。",
            metavar="文件",
            show_default=False,
        ),
    ],
    form: Annotated[
        Literal["alpaca", "sharegpt", "openai", "text"] | None,
        typer.Option("--format", help="默认：正文写 text，其余写 sharegpt。", show_default=False),
    ] = None,
    joined: Annotated[
        bool, typer.Option("--joined", help="Alpaca 的 input 并进 instruction，不分开写。")
    ] = False,
    llama_factory: Annotated[
        bool,
        typer.Option(
            "--llama-factory", help="连同 dataset_info.json 一起写，供 LLaMA-Factory 用。"
        ),
    ] = False,
    part: Part = "train",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """把数据集写成别的程序读的文件；什么都不丢，写不下的说明原因。"""
    with sentences(as_json):
        from training.data.dataset_info import INFO, export_set
        from training.data.writing import export as write
        from training.data.writing import usual_format

        found = load_set(dataset, data_dir)
        if llama_factory:
            made = export_set(found, out, found.folder.name, form, apart=not joined)
            files = [_exported_row(each) for each in made]
            refusals = [each for one in made for each in one.written.refusals]
        else:
            written = write(
                _part(found, part), out, form or usual_format(found.card.kind), apart=not joined
            )
            files = [{"file": str(out), "rows": written.rows}]
            refusals = list(written.refusals)
        told = [f"{each.source} 第 {each.row} 条：{each.reason}" for each in refusals]
        if as_json:
            info = {"info": str(out / INFO)} if llama_factory else {}
            print_json({"files": files, **info, "refused": len(told), "first": told[:50]})
            return
        for each in files:
            say(f"写了 {each['rows']} 条：{each['file']}")
        if told:
            say(f"写不下的有 {len(told)} 条，第一条：{told[0]}")


def show(
    dataset: Annotated[
        str | None,
        typer.Argument(help="名字或目录；不写则列出所有。", metavar="数据集", show_default=False),
    ] = None,
    part: Part = "train",
    start: Annotated[int, typer.Option(help="从第几条看起。", min=1)] = 1,
    rows: Annotated[int, typer.Option(help="看几条。", min=0, max=200)] = 3,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """看一个数据集的卡片和其中几条；不写名字则列出所有数据集。"""
    with sentences(as_json):
        from training.data.items import item_to_json

        if dataset is None:
            _list_sets(data_dir, as_json)
            return
        found = load_set(dataset, data_dir)
        items = list(_part(found, part)[start - 1 : start - 1 + rows])
        changed = found.digest != found.card.digest
        if as_json:
            print_json({
                **found.card.to_json(), "folder": str(found.folder), "changed": changed,
                "items": [item_to_json(item) for item in items],
            })  # fmt: skip
            return
        _tell_card(found, changed)
        for number, item in enumerate(items, start):
            _tell_item(number, item)


def stats(
    dataset: SetName,
    tokenizer: Annotated[
        str | None,
        typer.Option(
            help="用哪个模型的分词器数词元：目录，或 <data-dir>/models 里的名字。",
            show_default=False,
        ),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    """数一数：条数、字数、词元、长短分布、角色；数过词元的记在卡片上。"""
    with sentences(as_json):
        from training.data.statistics import count_tokens_with, statistics_of
        from training.data.store import update_card

        found = load_set(dataset, data_dir)
        result = dict(found.card.statistics)
        if tokenizer is not None:
            count = count_tokens_with(_model_folder(tokenizer, data_dir))
            total = len(found.train) + len(found.held_out)
            with progress("数词元", progress_json) as advance:
                result = {
                    "train": statistics_of(found.train, count),
                    "held_out": statistics_of(found.held_out, count),
                }
                advance(total, total)
            update_card(found.folder, statistics=result)
        if as_json:
            print_json({"dataset": found.card.name, "statistics": result})
            return
        for title, part in (("训练", result["train"]), ("留出", result["held_out"])):
            _tell_statistics(title, part)


def info(
    path: Annotated[
        Path,
        typer.Argument(help="dataset_info.json，或它的目录。", metavar="文件", show_default=False),
    ],
    as_json: AsJson = False,
) -> None:
    """看 LLaMA-Factory 的 dataset_info.json：有哪些数据集，文件和 SHA-1 对不对。"""
    with sentences(as_json):
        from training.data.dataset_info import read_info

        entries = list(read_info(path).values())
        if as_json:
            rows = [
                {"name": each.name, "formatting": each.layout.formatting,
                 "ranking": each.layout.ranking, "files": [str(file) for file in each.files],
                 "sha1": each.sha1, "num_samples": each.num_samples, "problem": each.problem}
                for each in entries
            ]  # fmt: skip
            print_json({"entries": rows})
            return
        for each in entries:
            state = each.problem or "、".join(file.name for file in each.files)
            typer.echo(
                f"{'×' if each.problem else '✓'} {each.name}  {each.layout.formatting}  {state}"
            )


def load_set(name: str, data_dir: Path | None) -> "DataSet":
    from training.data.store import find, load

    return load(find(name, data_dir_for(data_dir)))


def _layout(form: str | None, column: list[str]) -> Any:
    from training.data.formats.layout import layout_with

    if form is None and not column:
        return None
    if wrong := [each for each in column if "=" not in each]:
        raise BadInput(f"--column 应写成“列=名字”，如 prompt=问题，而不是 {wrong[0]}")
    return layout_with(form, dict(each.split("=", 1) for each in column))


def _part(found: "DataSet", part: PartName) -> Any:
    return found.train if part == "train" else found.held_out


def _exported_row(each: "Exported") -> dict[str, Any]:
    return {"name": each.name, "file": str(each.file), "rows": each.written.rows,
            "sha1": each.sha1}  # fmt: skip


def _model_folder(name: str, data_dir: Path | None) -> Path:
    path = Path(name).expanduser()
    return path if path.exists() else data_dir_for(data_dir) / "models" / name


def _list_sets(data_dir: Path | None, as_json: bool) -> None:
    from training.data.store import all_sets

    cards = all_sets(data_dir_for(data_dir))
    if as_json:
        print_json({"datasets": [{**card.to_json(), "folder": str(f)} for f, card in cards]})
        return
    for folder, card in cards:
        typer.echo(
            f"{folder.name}  {_KINDS[card.kind]}  {card.rows} 条，留出 {card.held_out_rows} 条"
        )
    if not cards:
        say("还没有数据集；用 yanchi data import 导入一份。")


_KINDS = {"chat": "对话", "text": "正文", "preference": "偏好"}
_ROLES = {"system": "系统", "user": "问", "assistant": "答", "tool": "工具", "text": "正文",
          "chosen": "选中", "rejected": "拒绝"}  # fmt: skip


def _tell_card(found: "DataSet", changed: bool) -> None:
    card = found.card
    typer.echo(
        f"{card.name}：{_KINDS[card.kind]}，训练 {card.rows} 条，留出 {card.held_out_rows} 条"
    )
    typer.echo(f"来自 {card.made.get('command')}：{'、'.join(s.name for s in card.sources)}")
    if card.refusals["count"]:
        typer.echo(f"没有收进来的：{card.refusals['count']} 条")
    if card.audit is not None:
        typer.echo(
            "查过泄漏：没有" if card.audit["clean"] else "查过泄漏：有，用 yanchi data audit 看"
        )
    if changed:
        say("文件在建好之后被改过，卡片上的数字可能不对了。")


def _tell_item(number: int, item: "Item") -> None:
    from training.data.items import texts

    origin = " · ".join(
        part for part in (item.origin.work, item.origin.source, item.origin.place) if part
    )
    typer.echo(f"\n第 {number} 条  {origin}")
    for role, text, _ in texts(item):
        more = f"……（共 {len(text)} 字符）" if len(text) > PREVIEW else ""
        typer.echo(f"  {_ROLES[role]}：{text[:PREVIEW]}{more}")


def _tell_statistics(title: str, part: dict[str, Any]) -> None:
    tokens = "" if part["tokens"] is None else f"，{part['tokens']} 词元"
    unit = "词元" if part["unit"] == "tokens" else "字符"
    lengths = part["lengths"]
    typer.echo(f"{title}：{part['rows']} 条，{part['characters']} 字符{tokens}")
    if part["rows"]:
        typer.echo(
            f"  每条{unit}：平均 {lengths['mean']}，一半不到 {lengths['median']}，"
            f"九成不到 {lengths['p90']}，最长 {lengths['max']}（第 {part['longest']['row']} 条）"
        )
        roles = "，".join(f"{_ROLES[role]} {n}" for role, n in part["roles"].items())
        typer.echo(f"  {roles}；{part['works_count']} 本书；空回答 {part['empty_outputs']} 条")


commands: list[Callable[..., None]] = [import_, export, show, stats, info]
