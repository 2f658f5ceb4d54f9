"""`yanchi adapters …`: published versions, and what becomes of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from training.commands.adapter_exports import Base, DeskUrl, Quick, Wanted, commands
from training.commands.advise import print_findings
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

if TYPE_CHECKING:
    from training.publishing.shelf import Published, Shelf

app = typer.Typer(help="适配器：发布、退回、核对、合并、混合、导出。", no_args_is_help=True)

Engine = Annotated[
    str, typer.Option(help="核对提示的引擎：vLLM 的地址，到 /v1 为止；默认是书桌自己的。")
]
Initial = Annotated[
    Path | None,
    typer.Option(help="训练开始前保存的适配器（PiSSA 等需要）。", show_default=False),
]


@app.command("list")
def list_adapters(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """列出已发布的版本；带 * 的是当前版本。"""
    with sentences(as_json):
        shelf = _shelf(data_dir)
        found = shelf.all()
        if as_json:
            print_json({"adapters": [_row(shelf, each) for each in found]})
            return
        for each in found:
            mark = "*" if shelf.is_current(each) else " "
            base = each.record.get("base", {}).get("name", "底座不详")
            typer.echo(f"{mark} {each.folder.name}  {each.title}  {base}")
        if not found:
            say(f"{shelf.root} 里还没有适配器；训练之后用 yanchi adapters publish 发布。")


@app.command()
def show(wanted: Wanted, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """一个版本的来历，和怎么调用它。"""
    with sentences(as_json):
        shelf = _shelf(data_dir)
        found = shelf.find(wanted)
        if as_json:
            print_json(_row(shelf, found) | {"record": found.record})
        else:
            card = found.folder / "README.md"
            typer.echo(card.read_text("utf-8") if card.is_file() else str(found.folder))


@app.command()
def publish(
    wanted: Annotated[
        str, typer.Argument(help="训练的编号或目录，或一个适配器的目录。", show_default=False)
    ],
    name: Annotated[str, typer.Option(help="发布的名字；默认是配方的名字。")] = "",
    title: Annotated[str, typer.Option(help="给人看的名字。")] = "",
    step: Annotated[int | None, typer.Option(help="发布这一步的存档；默认是练成的。")] = None,
    base: Base = None,
    initial: Initial = None,
    judged: Annotated[
        Path | None,
        typer.Option(help="评测的 report.json，写进卡片。", exists=True, dir_okay=False),
    ] = None,
    quick: Quick = False,
    engine: Engine = "",
    desk: DeskUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    as_lines: ProgressJson = False,
) -> None:
    """转换、核对、发布成新版本，并让正开着的书桌立刻载入。"""
    with sentences(as_json), progress("发布", as_lines) as advance:
        from dataclasses import replace

        from training.publishing.desk import serve
        from training.publishing.given import draft_of
        from training.publishing.identity import Tokenizing
        from training.publishing.judged import short_report
        from training.publishing.publish import Checks
        from training.publishing.publish import publish as publish_draft
        from training.publishing.trial import PROMPTS

        folder = data_dir_for(data_dir)
        draft, own_base = draft_of(
            wanted, folder, base=base, name=name, title=title, step=step, initial=initial
        )
        if judged is not None:
            draft = replace(draft, judged=short_report(judged))
        checks = Checks(prompts=() if quick else PROMPTS, engine=Tokenizing.known(engine))
        shelf = _shelf(data_dir)
        told = publish_draft(draft, shelf, own_base, checks, advance)
        served = serve(told.folder.name, desk, folder)
        _tell_published(shelf, told, served, as_json)


@app.command()
def rollback(
    wanted: Wanted,
    desk: DeskUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """退回：名字退到前一个版本；写明“名字-v版本”就退到那一个。"""
    with sentences(as_json):
        from training.publishing.desk import serve

        shelf = _shelf(data_dir)
        known = {each.name for each in shelf.all()}
        if wanted in known:
            told = shelf.roll_back(wanted)
        else:
            told = shelf.find(wanted)
            shelf.point(told)
        served = serve(told.folder.name, desk, data_dir_for(data_dir))
        _tell_published(shelf, told, served, as_json)


@app.command()
def remove(
    wanted: Wanted,
    desk: DeskUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """拿下一个版本：书桌不再用它，文件放进 adapters/.bin。"""
    with sentences(as_json):
        from training.publishing.desk import open_desk

        shelf = _shelf(data_dir)
        found = shelf.find(wanted)
        with open_desk(desk, data_dir_for(data_dir)) as serving:
            if serving is not None:
                serving.unload(found.folder.name)
        kept = shelf.remove(found)
        current = shelf.current(found.name)
        if as_json:
            told = current.folder.name if current else None
            print_json({"removed": found.folder.name, "bin": str(kept), "current": told})
        else:
            say(f"拿下了 {found.folder.name}，文件在 {kept}。")
            say(f"{found.name} 现在是 {current.folder.name}。" if current else "没有别的版本了。")


@app.command()
def check(
    wanted: Wanted,
    base: Base = None,
    engine: Engine = "",
    quick: Quick = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """核对：引擎肯不肯载入、底座对不对、有它没它是否不同、提示的词元是否一样。"""
    with sentences(as_json):
        from training.findings import worst
        from training.publishing.given import base_of, find_adapter
        from training.publishing.identity import Tokenizing
        from training.publishing.preflight import inspect
        from training.publishing.publish import Checks
        from training.publishing.publish import check as check_on_base
        from training.publishing.trial import PROMPTS

        folder = data_dir_for(data_dir)
        adapter = find_adapter(wanted, folder)
        findings, samples = inspect(adapter), []
        if worst(findings) != "stop":
            checks = Checks(prompts=() if quick else PROMPTS, engine=Tokenizing.known(engine))
            seen = check_on_base(adapter, base_of(adapter, base, folder), checks)
            findings, samples = [*findings, *seen.findings], list(seen.samples)
        level = worst(findings)
        if as_json:
            from dataclasses import asdict

            print_json(
                {
                    "level": level,
                    "findings": [each.to_json() for each in findings],
                    "samples": [asdict(each) for each in samples],
                }
            )
        else:
            print_findings(findings)
            for each in samples:
                typer.echo(f"\n问：{each.prompt}\n底座：{each.base}\n它：{each.adapted}")
    if level == "stop":
        raise typer.Exit(1)


for command in commands:
    app.command()(command)


def _shelf(data_dir: Path | None) -> "Shelf":
    from training.publishing.shelf import Shelf

    return Shelf(data_dir_for(data_dir) / "adapters")


def _row(shelf: "Shelf", published: "Published") -> dict[str, Any]:
    record = published.record
    return {
        "folder": published.folder.name,
        "path": str(published.folder),
        "name": published.name,
        "version": published.version,
        "title": published.title,
        "current": shelf.is_current(published),
        "base": record.get("base", {}).get("name"),
        "rank": record.get("rank"),
        "bytes": record.get("bytes"),
        "created": record.get("created"),
    }


def _tell_published(shelf: "Shelf", told: "Published", served: bool, as_json: bool) -> None:
    if as_json:
        print_json(_row(shelf, told) | {"served": served, "notes": told.record.get("notes", [])})
        return
    for note in told.record.get("notes", ()):
        say(note)
    where = "书桌已经载入。" if served else "没有开着的书桌；打开后在适配器里载入。"
    say(f"当前版本：{told.folder.name}。{where}")
    typer.echo(str(told.folder))
