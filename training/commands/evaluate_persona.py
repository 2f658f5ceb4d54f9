"""`yanchi evaluate persona`: what card, retrieval and adapter are worth to a character."""

from contextlib import ExitStack
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
from training.commands.scripts import Alias, AliasFile, Field, Guess, aliases_of, read_files
from training.errors import BadInput

if TYPE_CHECKING:
    from training.judging.persona.desk import Persona
    from training.judging.persona.report import Measure, Report
    from training.judging.persona.scenes import Play
    from training.types import Refusal


def persona(
    source: Annotated[
        list[str],
        typer.Argument(help="剧本文件，可以几个；或者一个按场做成的数据集。", show_default=False),
    ],
    role: Annotated[str, typer.Option(help="评谁，剧本里的名字。", show_default=False)],
    persona: Annotated[
        str,
        typer.Option(help="书桌上的哪个人物；默认是与她同名的那个。", show_default=False),
    ] = "",
    adapter: Annotated[
        str, typer.Option(help="再评这个适配器；不写就只评底座。", show_default=False)
    ] = "",
    alias: Alias = [],  # noqa: B006
    aliases: AliasFile = None,
    guess: Guess = False,
    scenes: Annotated[int, typer.Option(min=1, help="评几场留出的戏，最多。")] = 8,
    lines: Annotated[int, typer.Option(min=1, help="每场评几句，最多。")] = 4,
    held_out: Annotated[
        float,
        typer.Option(min=0.01, max=0.9, help="留出多少；适配器或数据集已经留出的，照它们的。"),
    ] = 0.2,
    turns: Annotated[int, typer.Option(min=1, help="每句带多少轮前文。")] = 4,
    tokens: Annotated[int, typer.Option(min=1, help="每个回答最多多少词元。")] = 160,
    temperature: Annotated[float, typer.Option(min=0, max=2)] = 0.7,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    user: Annotated[str, typer.Option(help="对谈的人叫什么。")] = "我",
    judge: Annotated[
        str | None, typer.Option(help="请这个引擎里的模型评判有没有矛盾。", show_default=False)
    ] = None,
    judge_model: Annotated[str, typer.Option(help="评判的模型名；默认是它列出的第一个。")] = "",
    judged: Annotated[bool, typer.Option("--judged", help="请正开着的书桌的模型评判。")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="报告写在哪个目录；同一个目录会接着做。", show_default=False),
    ] = None,
    field: Field = "text",
    data_dir: DataDir = None,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    """评一个人物：口吻像不像、认不认得出、与人物卡有没有矛盾、守不守得住角色、说没说往后的事。"""
    with (
        sentences(as_json),
        progress("评人物", progress_json) as told,
        ExitStack() as closing,
    ):
        from training.judging.asking import EndpointWriter
        from training.judging.persona.desk import PersonaDesk
        from training.judging.persona.evaluate import Plan, judge_persona
        from training.judging.persona.learned import Learned, learned_by
        from training.judging.persona.scenes import held_out as hold_out
        from training.publishing.engine import client_for
        from training.served.client import Sampling

        place = data_dir_for(data_dir)
        learned = learned_by(adapter, place) if adapter else Learned("")
        desk = closing.enter_context(PersonaDesk(place, user))
        named, play = None, None
        files = [Path(each) for each in source]
        if all(each.is_file() for each in files):
            play = _of_script(files, role, alias, aliases, guess, field, turns)
            named = desk.find(persona, (role, *play.names))
        else:
            named = desk.find(persona, [role])
            play = _of_data(source, role, named, place)
        held = hold_out(play, learned.held_out, held_out, seed)
        voter = None
        if judge is not None or judged:
            voter = EndpointWriter(client_for(judge or "", judge_model, place))
        folder = out or place / "reports" / f"persona-{named.slug}"
        doubts = _doubts(named, adapter, learned.doubt, bool(learned.scenes & held.scenes))
        plan = Plan(
            play, held, desk, named, folder, learned.served, scenes, lines,
            Sampling(tokens, temperature, seed=seed), voter, doubts,
        )  # fmt: skip
        report = judge_persona(plan, told)
    _tell(report, folder, as_json)


def _of_script(
    files: list[Path],
    role: str,
    alias: list[str],
    aliases: Path | None,
    guess: bool,
    field: str,
    turns: int,
) -> "Play":
    from training.judging.persona.scenes import play_of_script

    refusals: list[Refusal] = []
    read = read_files(files, field, refusals)
    return play_of_script(read, role, aliases_of(read, alias, aliases, guess), turns)


def _of_data(source: list[str], role: str, named: "Persona", place: Path) -> "Play":
    from training.data.store import find, load
    from training.judging.persona.scenes import play_of_data

    if len(source) > 1:
        raise BadInput("要么给剧本文件，要么给一个数据集。")
    after = named.filled(named.row["post_history"])
    return play_of_data(load(find(source[0], place)), role, [named.name], after)


def _doubts(named: "Persona", adapter: str, doubt: str, overlaps: bool) -> tuple[str, ...]:
    found = []
    if not adapter:
        own = named.row["adapter"]
        way = f"她挂着的是 {own}，加 --adapter {own} 可以评" if own else "加 --adapter 可以评"
        found.append(f"没有给适配器，带适配器的两方未评；{way}。")
    if doubt:
        found.append(f"不知道适配器学过哪几场（{doubt}）：留出的场次里可能有它学过的。")
    if overlaps:
        found.append("留出的场次里有适配器学过的，它的两方偏高。")
    return tuple(found)


def _tell(report: "Report", folder: Path, as_json: bool) -> None:
    page, data = folder / "report.html", folder / "report.json"
    if as_json:
        found = report.to_json()
        names = ("title", "sides", "measures", "classifier", "missing", "seconds")
        print_json({"report": str(data), "page": str(page), **{n: found[n] for n in names}})
        return
    for measure in report.measures:
        typer.echo(f"{measure.name}{'↑' if measure.better == 'high' else '↓'}  {_row(measure)}")
    for sentence in report.missing:
        say(sentence)
    say(f"报告：{page}")


def _row(measure: "Measure") -> str:
    from training.judging.persona.sides import NAMES

    def value(side: str) -> str:
        cell = measure.cells[side]
        if cell is None:
            return "—"
        return f"{cell.value.mean:.1%}" if measure.share else f"{cell.value.mean:.3f}"

    return "  ".join(f"{NAMES[side]} {value(side)}" for side in NAMES if side in measure.cells)
