"""`yanchi data script`, `roles`, `selfknowledge`: scripts and cards to what a persona learns."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from training.commands import novels
from training.commands.building import (
    Files,
    NewName,
    Replace,
    System,
    SystemFile,
    store,
    system_text,
)
from training.commands.common import AsJson, DataDir, ProgressJson, print_json, say, sentences
from training.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from training.scripts.dialogue import Wanted
    from training.scripts.reading import ScriptFile
    from training.scripts.speakers import Aliases
    from training.types import Chat, Refusal

FIRST_DOUBTS = 20

Alias = Annotated[
    list[str],
    typer.Option(help="别名，写成 甄嬛=莞贵人,熹贵妃；可以写几次。", show_default=False),
]
AliasFile = Annotated[
    Path | None,
    typer.Option(
        "--aliases",
        help="别名表：YAML 或 JSON，名字下面列别名。",
        exists=True,
        dir_okay=False,
        show_default=False,
    ),
]
Guess = Annotated[
    bool, typer.Option("--guess", help="猜出来的别名也算数；先用 roles 看看猜得对不对。")
]
Field = Annotated[str, typer.Option(help="JSONL 里放剧本文字的那一栏。")]


def script(
    files: Files,
    role: Annotated[str, typer.Option(help="学谁说话。", show_default=False)],
    name: NewName,
    turns: Annotated[str, typer.Option(help="每句台词带多少轮前文；all 是整场。")] = "4",
    alias: Alias = [],  # noqa: B006
    aliases: AliasFile = None,
    guess: Guess = False,
    names: Annotated[
        Literal["auto", "always", "never"],
        typer.Option(help="别人的话前面写不写名字；auto 是不止一个人时才写。"),
    ] = "auto",
    directions: Annotated[bool, typer.Option(help="台词里的动作和神态留不留。")] = True,
    events: Annotated[bool, typer.Option(help="台词之间发生的事告不告诉对方那一边。")] = True,
    opening: Annotated[
        Literal["setting", "skip"],
        typer.Option(help="她开场的话：接在场景后面，或者不要。"),
    ] = "setting",
    whole_scenes: Annotated[
        bool, typer.Option("--whole-scenes", help="一场一条，她的每一句都学。")
    ] = False,
    system: System = "",
    system_file: SystemFile = None,
    persona: Annotated[
        Path | None,
        typer.Option(
            help="人物卡：提示和书桌上同这张卡聊天时一样。",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    user: Annotated[str, typer.Option(help="人物卡里 {{user}} 的名字。")] = "我",
    together: Annotated[
        Literal["scene", "script"], typer.Option(help="划分时不拆开的是一场，还是整个剧本。")
    ] = "scene",
    field: Field = "text",
    data_dir: DataDir = None,
    replace: Replace = False,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    """剧本变成对话：一个角色的每句台词，带上前面几轮。"""
    with sentences(as_json):
        from training.data.store import Source
        from training.scripts.dialogue import Wanted, require

        if persona is not None and (system or system_file is not None):
            raise BadInput("--persona 已经定了系统提示，不要再给 --system。")
        wanted = Wanted(
            role, _turns(turns), names, directions, events, opening, whole_scenes,
            system_text(system, system_file), together,
        )  # fmt: skip
        refusals: list[Refusal] = []
        read = read_files(files, field, refusals)
        known = aliases_of(read, alias, aliases, guess)
        speaker = require(role, scripts_of(read), known)
        options = {
            "role": role, "turns": turns, "aliases": known.table, "names": names,
            "directions": directions, "events": events, "opening": opening,
            "whole_scenes": whole_scenes, "system": wanted.system, "together": together,
            "persona": persona.name if persona else None, "user": user if persona else None,
        }  # fmt: skip
        doubts = doubts_of(read)
        if not as_json:
            tell_doubts(doubts)
        store(
            name,
            _chats(read, wanted, known, persona, user),
            command="data script",
            options=options,
            sources=[Source(p.name, each.sha256) for p, each in zip(files, read, strict=True)],
            refusals=refusals,
            report={
                "role": speaker.name, "speeches": speaker.speeches, "scenes": speaker.scenes,
                "doubts": doubts,
            },
            data_dir=data_dir,
            replace=replace,
            as_json=as_json,
            progress_json=progress_json,
        )  # fmt: skip


def roles(
    files: Files,
    alias: Alias = [],  # noqa: B006
    aliases: AliasFile = None,
    field: Field = "text",
    as_json: AsJson = False,
) -> None:
    """剧本里谁在说话、各有多少，哪些名字像是同一个人。"""
    with sentences(as_json):
        from dataclasses import asdict

        from training.scripts.speakers import guesses, speakers

        refusals: list[Refusal] = []
        read = read_files(files, field, refusals)
        known = aliases_of(read, alias, aliases, guess=False)
        found, guessed = speakers(scripts_of(read), known), guesses(scripts_of(read), known)
        if as_json:
            print_json(
                {
                    "speakers": [asdict(each) for each in found],
                    "aliases": known.table,
                    "guesses": [asdict(each) for each in guessed],
                    "doubts": doubts_of(read),
                    "refusals": [asdict(each) for each in refusals],
                }
            )
            return
        for each in found:
            also = f"（{'、'.join(each.aliases)}）" if each.aliases else ""
            typer.echo(
                f"{each.name}{also}\t{each.speeches} 句\t{each.characters} 字\t{each.scenes} 场"
            )
        for guess in guessed:
            say(f"像是同一个人：--alias {guess.name}={guess.alias}（{guess.why}）")
        tell_doubts(doubts_of(read))


def selfknowledge(
    name: NewName,
    card: Annotated[
        Path | None,
        typer.Argument(help="人物卡（JSON）。", exists=True, dir_okay=False, show_default=False),
    ] = None,
    role: Annotated[str, typer.Option(help="没有人物卡时，他的名字。", show_default=False)] = "",
    description: Annotated[
        str, typer.Option(help="没有人物卡时，他的介绍。", show_default=False)
    ] = "",
    count: Annotated[
        int | None, typer.Option(help="做多少条；默认每个问题一条。", min=1, show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="换一个数，换一种搭配。")] = 0,
    maker: Annotated[
        str, typer.Option(help="谁做了他；不写则他不知道自己是谁做的。", show_default=False)
    ] = "",
    system: System = "",
    system_file: SystemFile = None,
    served: Annotated[
        bool, typer.Option("--served", help="提示和书桌上同这张卡聊天时一样。")
    ] = False,
    user: Annotated[str, typer.Option(help="人物卡里 {{user}} 的名字。")] = "我",
    data_dir: DataDir = None,
    replace: Replace = False,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    """“你是谁”：从名字和介绍做一组自我认知的问答。"""
    with sentences(as_json):
        import hashlib

        from training.data.store import Source
        from training.persona_data import Asked, self_knowledge
        from training.personas import Card, read_card

        if (card is None) == (not role.strip()):
            raise BadInput("请给一张人物卡，或者用 --role 和 --description 说明是谁。")
        who = read_card(card) if card is not None else Card(role.strip(), description)
        asked = Asked(count, seed, maker, system_text(system, system_file), served, user)
        told = card.read_bytes() if card is not None else f"{role}\n{description}".encode()
        store(
            name,
            self_knowledge(who, asked),
            command="data selfknowledge",
            options={"role": who.name, "count": count, "seed": seed, "maker": maker or None,
                     "system": asked.system or None, "served": served or None},
            sources=[Source(card.name if card is not None else who.name, hashlib.sha256(told).hexdigest())],
            refusals=(),
            report={},
            data_dir=data_dir,
            replace=replace,
            as_json=as_json,
            progress_json=progress_json,
        )  # fmt: skip


commands: list[Callable[..., None]] = [script, roles, selfknowledge, *novels.commands]
"""What `yanchi data` takes in from here."""


def _turns(told: str) -> int | None:
    if told.strip().lower() == "all":
        return None
    if not told.strip().isdecimal():
        raise BadInput(f"--turns 要一个数字或者 all，不是“{told}”。")
    return int(told)


def read_files(
    files: "Sequence[Path]", field: str, refusals: "list[Refusal]"
) -> "list[ScriptFile]":
    from training.scripts.reading import read_script

    return [read_script(path, refusals, field) for path in files]


def scripts_of(read: "Sequence[ScriptFile]") -> list[Any]:
    return [script for file in read for script in file.scripts]


def aliases_of(
    read: "Sequence[ScriptFile]", told: "Sequence[str]", file: Path | None, guess: bool
) -> "Aliases":
    """What the author says goes before what the scripts say, and that before what is guessed."""
    from training.scripts.speakers import Aliases, cast_table, guesses

    written = Aliases.told(told, _table(file) if file is not None else {})
    listed = _joined(written, cast_table(scripts_of(read)))
    if not guess:
        return listed
    guessed: dict[str, list[str]] = {}
    for each in guesses(scripts_of(read), listed):
        guessed.setdefault(each.name, []).append(each.alias)
    return _joined(listed, guessed)


def _joined(first: "Aliases", more: "Mapping[str, Sequence[str]]") -> "Aliases":
    """The first table with those of the others that it says nothing about."""
    from training.scripts.speakers import Aliases

    table = {name: [*also] for name, also in first.table.items()}
    for name, also in more.items():
        fresh = [each for each in also if each not in first.names]
        if fresh:
            table.setdefault(first.main(name), []).extend(fresh)
    return Aliases(table)


def _table(file: Path) -> dict[str, list[str]]:
    import yaml

    try:
        told = yaml.safe_load(file.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise BadInput("别名表读不懂，请写成 YAML 或 JSON", file=file) from error
    if not isinstance(told, dict):
        raise BadInput("别名表要写成“名字: [别名, 别名]”", file=file)
    return {
        str(name): [str(each) for each in (also if isinstance(also, list) else [also])]
        for name, also in told.items()
    }


def _chats(
    read: "Sequence[ScriptFile]",
    wanted: "Wanted",
    known: "Aliases",
    persona: Path | None,
    user: str,
) -> "Iterator[Chat]":
    from dataclasses import replace

    from training.personas import as_served, read_card
    from training.scripts.dialogue import dialogues

    card = read_card(persona) if persona is not None else None
    for file in read:
        for piece in file.pieces:
            for chat in dialogues(piece.script, wanted, known, file.title, piece.within):
                yield replace(chat, turns=as_served(card, chat.turns, user)) if card else chat


def doubts_of(read: "Sequence[ScriptFile]") -> list[dict[str, Any]]:
    return [
        {"file": file.title, "place": piece.within, "line": doubt.line, "message": doubt.message}
        for file in read
        for piece in file.pieces
        for doubt in piece.script.doubts
    ]


def tell_doubts(doubts: "Sequence[Mapping[str, Any]]") -> None:
    for doubt in doubts[:FIRST_DOUBTS]:
        say(f"{doubt['file']} {doubt['place']}第 {doubt['line']} 行：{doubt['message']}")
    if len(doubts) > FIRST_DOUBTS:
        say(f"还有 {len(doubts) - FIRST_DOUBTS} 处，用 --json 看全。")
