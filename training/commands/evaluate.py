"""`yanchi evaluate`: what tuning was worth, as a report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
from training.commands.evaluate_persona import persona
from training.judging.plan import PARTS

if TYPE_CHECKING:
    from training.judging.generating import Writer
    from training.judging.report import Report

HELP = "在留出的文字上评：困惑度、重合、重复、文风、照抄、遗忘，也可以请一个模型评判。"

app = typer.Typer(help=HELP, invoke_without_command=True)
app.command()(persona)


@app.callback()
def evaluate(
    ctx: typer.Context,
    run: Annotated[
        str | None, typer.Option(help="一次训练的编号或目录。", show_default=False)
    ] = None,
    adapter: Annotated[
        str | None, typer.Option(help="一个适配器的名字或目录。", show_default=False)
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="用它留出的部分来评，可以写几次；默认用训练时留出的。", show_default=False
        ),
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="底座：目录或模型名；默认照来历。", show_default=False)
    ] = None,
    book: Annotated[
        list[Path] | None,
        typer.Option(help="检索读的书，可以写几次；默认是训练数据。", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="报告写在哪个目录；同一个目录会接着做。", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="请各方作答的题数。")] = 24,
    items: Annotated[int, typer.Option(min=1, help="算困惑度的条数，最多。")] = 400,
    length: Annotated[int, typer.Option(min=20, help="续写多长，字。")] = 400,
    long: Annotated[int, typer.Option(min=100, help="长篇写到多少字，看会不会陷入循环。")] = 2000,
    openings: Annotated[int, typer.Option(min=1, help="长篇从几个开头写起。")] = 6,
    tokens: Annotated[
        int | None,
        typer.Option(min=1, help="每个回答最多多少词元；默认随 --length。", show_default=False),
    ] = None,
    window: Annotated[int, typer.Option(min=256, help="提示词最多多少词元。")] = 2048,
    temperature: Annotated[float, typer.Option(min=0, max=2)] = 0.7,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    speaker: Annotated[
        str, typer.Option("--persona", help="说话的是谁，检索来的话这样交代。")
    ] = "",
    retrieval: Annotated[bool, typer.Option(help="是否也评带检索的两方。")] = True,
    skip: Annotated[
        list[str] | None,
        typer.Option(help=f"不做哪一部分：{'、'.join(PARTS)}。", show_default=False),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(help="请这个引擎作答（OpenAI 协议）；默认在本机算。", show_default=False),
    ] = None,
    engine_base: Annotated[str, typer.Option(help="引擎里底座的名字；默认是目录名。")] = "",
    engine_adapter: Annotated[str, typer.Option(help="引擎里适配器的名字；默认是它的名字。")] = "",
    judge: Annotated[
        str | None, typer.Option(help="请这个引擎里的模型评判。", show_default=False)
    ] = None,
    judge_model: Annotated[str, typer.Option(help="评判的模型名；默认是它列出的第一个。")] = "",
    judged: Annotated[bool, typer.Option("--judged", help="请正开着的书桌的模型评判。")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    if ctx.invoked_subcommand is not None:
        return
    if unknown := set(skip or ()) - set(PARTS):
        raise typer.BadParameter(f"没有 {'、'.join(sorted(unknown))}，只有 {'、'.join(PARTS)}。")
    with sentences(as_json), progress("评测", progress_json) as told:
        from training.judging.asking import EndpointWriter
        from training.judging.evaluate import judge_run
        from training.judging.material import material
        from training.judging.plan import Plan
        from training.publishing.engine import client_for
        from training.served.client import Sampling

        place = data_dir_for(data_dir)
        found = material(place, run=run, adapter=adapter, base=base, data=data or ())
        writers: dict[bool, Writer] | None = None
        if engine is not None:
            names = {False: engine_base or found.base.name, True: engine_adapter or found.name}
            writers = {
                tuned: EndpointWriter(client_for(engine, name, place))
                for tuned, name in names.items()
            }
        voter: Writer | None = None
        if judge is not None or judged:
            voter = EndpointWriter(client_for(judge or "", judge_model, place))
        folder = out or (found.run / "report" if found.run else place / "reports" / found.name)
        plan = Plan(
            **found.given,
            out=folder,
            books=book or (),
            retrieval=retrieval,
            persona=speaker,
            parts=frozenset(part for part in PARTS if part not in (skip or ())),
            items=items,
            cases=limit,
            length=length,
            long=long,
            openings=openings,
            window=window,
            sampling=Sampling(tokens or length, temperature, seed=seed),
            writers=writers,
            judge=voter,
        )
        report = judge_run(plan, told)
    _tell(report, folder, as_json)


def _tell(report: "Report", folder: Path, as_json: bool) -> None:
    from training.judging.report import VERDICTS

    page, data = folder / "report.html", folder / "report.json"
    if as_json:
        found = report.to_json()
        told = {name: found[name] for name in ("title", "outcomes", "missing", "seconds")}
        print_json({"report": str(data), "page": str(page), **told})
        return
    for outcome in report.outcomes:
        typer.echo(f"{VERDICTS[outcome.verdict]}  {outcome.sentence}")
    for sentence in report.missing:
        say(sentence)
    say(f"报告：{page}")
