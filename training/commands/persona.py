"""`yanchi persona build`: a script and a role become a persona to talk to."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from training.commands.building import Files, Replace
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
from training.commands.scripts import (
    Alias,
    AliasFile,
    Field,
    Guess,
    aliases_of,
    doubts_of,
    read_files,
    scripts_of,
    tell_doubts,
)
from training.errors import EngineUnreachable, PromptRefused

if TYPE_CHECKING:
    from training.persona_build.part import Line, Part
    from training.persona_build.quoted import Draft
    from training.scripts.reading import ScriptFile
    from training.scripts.speakers import Aliases
    from training.tuning.config import Recipe
    from training.types import Refusal

app = typer.Typer(help="人物：从一个剧本做出来。", no_args_is_help=True)


class Desk(Protocol):
    """Where a persona that was built goes; who starts the command puts it into its context.

    This room does not know the desk's rows. Both raise TrainingError.
    """

    def check(self, data_dir: Path, slug: str) -> None:
        """Raises where another persona goes by that name."""

    def take_in(self, data_dir: Path, folder: Path) -> None:
        """The card, its lore and the scenes; what has that name already is changed."""


@app.callback()
def persona() -> None:
    """人物：从一个剧本做出来。"""


@app.command()
def build(
    ctx: typer.Context,
    files: Files,
    role: Annotated[str, typer.Option(help="做谁。", show_default=False)],
    slug: Annotated[
        str,
        typer.Option(
            help="程序里叫他什么，如 huanhuan：yanchi chat persona/huanhuan。", show_default=False
        ),
    ] = "",
    alias: Alias = [],  # noqa: B006
    aliases: AliasFile = None,
    guess: Guess = False,
    voice: Annotated[int, typer.Option(help="挑多少句话作口吻的样子。", min=1, max=100)] = 12,
    turns: Annotated[int, typer.Option(help="数据集里每句台词带多少轮前文。", min=1)] = 4,
    user: Annotated[str, typer.Option(help="数据集里 {{user}} 的名字。")] = "我",
    extractive: Annotated[
        bool, typer.Option("--extractive", help="卡片只用原文摘录，不请模型起草。")
    ] = False,
    url: Annotated[
        str,
        typer.Option(
            help="起草的模型：兼容 OpenAI 的地址，到 /v1 为止；默认是正开着的书桌，"
            "没有书桌就摘录原文。",
            show_default=False,
        ),
    ] = "",
    model: Annotated[str, typer.Option(help="起草的模型叫什么。", show_default=False)] = "",
    train: Annotated[
        str, typer.Option("--train", help="再按这个配方练一个适配器。", show_default=False)
    ] = "",
    field: Field = "text",
    data_dir: DataDir = None,
    replace: Replace = False,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    """一个剧本、一个角色，做成一个可以聊天的人物：卡片、口吻、几场戏、数据集，要的话再练适配器。"""
    with sentences(as_json), progress("做人物", progress_json) as advance:
        from training.persona_build.folder import slug_for

        desk: Desk | None = ctx.obj
        root, name = data_dir_for(data_dir), slug_for(role, slug)
        recipe = _recipe(train)
        if desk is not None and not replace:
            desk.check(root, name)
        read = _read(files, role, alias, aliases, guess, field)
        advance(1, 4, "看剧本")
        made = _made(read, voice, name, "" if extractive else "model", url, model, root)
        folder = root / "personas" / name
        _keep(folder, made, replace)
        advance(2, 4, "做数据集")
        rows = _data_set(read, made, folder, turns, user, root, replace)
        advance(3, 4, "放进书桌")
        if recipe is not None:
            made.card["adapter"] = _adapter(recipe, rows, name, role, root, advance)
            _keep(folder, made, True)
        if desk is not None:
            desk.take_in(root, folder)
        advance(4, 4)
        _tell(made, folder, rows, desk is not None, as_json, doubts_of(read.files))


@dataclass
class _Read:
    files: "list[ScriptFile]"
    aliases: "Aliases"
    part: "Part"
    refusals: "list[Refusal]"


@dataclass
class _Made:
    part: "Part"
    voice: "list[Line]"
    card: dict[str, Any]
    made_by: str
    """Who wrote the card, for people."""
    why: str
    """Why no model did, if none did."""


def _read(
    files: list[Path], role: str, alias: list[str], aliases: Path | None, guess: bool, field: str
) -> _Read:
    from training.persona_build.part import part_of
    from training.scripts.dialogue import require

    refusals: list[Refusal] = []
    read = read_files(files, field, refusals)
    known = aliases_of(read, alias, aliases, guess)
    speaker = require(role, scripts_of(read), known)
    return _Read(read, known, part_of(read, speaker, known), refusals)


def _made(read: _Read, count: int, slug: str, by: str, url: str, model: str, root: Path) -> _Made:
    from training.persona_build.folder import card
    from training.persona_build.voice import chosen

    part = read.part
    voice = [part.lines[n] for n in chosen([x.text for x in part.lines], part.others, count)]
    draft, made_by, why = _draft(part, voice, by, url, model, root)
    told = card(part, draft, voice, slug=slug, made_by=made_by)
    return _Made(part, voice, told, made_by, why)


def _draft(
    part: "Part", voice: "list[Line]", by: str, url: str, model: str, root: Path
) -> "tuple[Draft, str, str]":
    """(draft, who wrote it, why no model did). A model that was named has to answer."""
    from training.persona_build.drafting import MADE_BY_QUOTES, drafted
    from training.persona_build.quoted import quoted
    from training.publishing.engine import client_for
    from training.served.asking import Unusable

    if not by:
        return quoted(part, voice), MADE_BY_QUOTES, ""
    try:
        with client_for(url, model, root) as client:
            return drafted(part, voice, client), f"模型 {client.model} ", ""
    except (EngineUnreachable, PromptRefused, Unusable) as error:
        if url:
            raise
        return quoted(part, voice), MADE_BY_QUOTES, str(error)


def _keep(folder: Path, made: _Made, replace: bool) -> None:
    from training.persona_build.folder import write

    built = {
        "role": made.part.name, "source": made.part.source, "made_by": made.made_by.strip(),
        "lines": len(made.part.lines), "scenes": len(made.part.scenes),
        "voice": [asdict(line) for line in made.voice],
    }  # fmt: skip
    write(folder, made.part, made.card, built, replace=replace)


def _data_set(
    read: _Read, made: _Made, folder: Path, turns: int, user: str, root: Path, replace: bool
) -> Path:
    """Her lines with what stood before them, under the very prompt that the desk will send."""
    from dataclasses import replace as changed

    from training.data.store import Source, made_by, new_folder, save
    from training.persona_build.folder import CARD
    from training.personas import as_served, read_card
    from training.scripts.dialogue import Wanted, dialogues

    card = read_card(folder / CARD)
    chats = (
        changed(chat, turns=as_served(card, chat.turns, user))
        for file in read.files
        for piece in file.pieces
        for chat in dialogues(
            piece.script, Wanted(made.part.name, turns), read.aliases, file.title, piece.within
        )
    )
    at = new_folder(f"persona-{made.card['slug']}", root)
    save(
        at,
        chats,
        name=at.name,
        made=made_by("persona build", role=made.part.name, turns=turns, user=user),
        sources=[Source(file.title, file.sha256) for file in read.files],
        refusals=read.refusals,
        replace_old=replace,
    )
    return at


def _recipe(wanted: str) -> "Recipe | None":
    """Read before anything is made: a wrong name is told at once."""
    if not wanted:
        return None
    from training.commands.train import find_recipe
    from training.tuning.config import Recipe

    return Recipe.read(find_recipe(wanted))


def _adapter(recipe: "Recipe", data: Path, slug: str, title: str, root: Path, advance: Any) -> str:
    from training.persona_build.learning import learned, recipe_for

    return learned(recipe_for(recipe, data, slug), title, root, advance)


def _tell(
    made: _Made,
    folder: Path,
    data: Path,
    in_desk: bool,
    as_json: bool,
    doubts: list[dict[str, Any]],
) -> None:
    from training.data.store import read_card

    rows = read_card(data).rows
    if as_json:
        print_json({
            "persona": f"persona/{made.card['slug']}", "name": made.card["name"],
            "folder": str(folder), "data": str(data), "rows": rows,
            "made_by": made.made_by.strip(), "why_no_model": made.why or None,
            "lines": len(made.part.lines), "scenes": len(made.part.scenes),
            "voice": made.card["examples"], "lore": len(made.card["lore"]),
            "adapter": made.card.get("adapter"), "in_desk": in_desk, "doubts": doubts,
        })  # fmt: skip
        return
    tell_doubts(doubts)
    part = made.part
    say(
        f"{part.name}：{len(part.scenes)} 场戏，{len(part.lines)} 句话；数据集 {data.name} {rows} 条。"
    )
    say(f"人物卡由{made.made_by}起草。" + (f"没有请模型：{made.why}" if made.why else ""))
    for line in made.card["examples"]:
        typer.echo(line)
    slug = made.card["slug"]
    say(f"聊天：yanchi chat persona/{slug}；查她的戏：yanchi ask persona/{slug} “……”"
        if in_desk else f"都在 {folder}。")  # fmt: skip
