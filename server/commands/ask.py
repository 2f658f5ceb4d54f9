"""`yanchi ask`: a question to a work's text and documents, or to a persona's documents."""

from pathlib import Path
from typing import Annotated, Any

import typer

from server.commands.common import AsJson, DataDir, err, print_json, sentences, settings_for
from server.commands.remote import RemoteDesk, open_remote
from server.errors import EngineLost, Invalid

app = typer.Typer()


@app.command("ask")
def ask(
    whom: Annotated[
        str,
        typer.Argument(
            help="作品的编号或书名，或者 persona/名字：问他的资料。", show_default=False
        ),
    ],
    question: Annotated[str, typer.Argument(help="要问的话。", show_default=False)],
    add: Annotated[
        list[Path],
        typer.Option(
            "--add",
            help="先添一份资料：PDF、DOCX、EPUB、TXT；可以写几次。",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = [],  # noqa: B006
    only: Annotated[bool, typer.Option("--documents", help="只问资料，不问作品的正文。")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """问一部书或一份资料，回答带原文和页码；文中没有就说没有。"""
    with sentences(as_json), open_remote(settings_for(data_dir).data_dir) as desk:
        owner = _owner(desk, whom)
        for file in add:
            _add(desk, owner, file)
        answer = _answered(desk, owner, question, text=not only)
        if as_json:
            print_json(answer)
        else:
            _tell(answer)


def _owner(desk: RemoteDesk, whom: str) -> str:
    """The path of the API under which its documents are."""
    if whom.startswith("persona/"):
        return f"/api/personas/{desk.persona(whom)['id']}"
    return f"/api/works/{desk.work(whom)['id']}"


def _add(desk: RemoteDesk, owner: str, file: Path) -> None:
    try:
        told = desk.ask(
            "POST", f"{owner}/documents", files={"file": (file.name, file.read_bytes())}
        )
    except OSError as error:
        raise Invalid(f"读不了 {file}：{error.strerror}。", code="file_not_found") from error
    pages = f"，{told['pages']} 页" if told["pages"] else ""
    err.print(f"添了《{told['title']}》：{told['size']} 字{pages}。")


def _answered(desk: RemoteDesk, owner: str, question: str, *, text: bool) -> dict[str, Any]:
    """What `done` tells, with the passages that were read."""
    passages: list[Any] = []
    for event in desk.stream(f"{owner}/ask", {"question": question, "text": text}):
        if event.name == "passages":
            passages = event.data["passages"]
            err.print(f"读了 {len(passages)} 段，正在回答……")
        elif event.name == "done":
            return {**event.data, "passages": passages}
    raise EngineLost("书桌没有答完就断开了，请再问一次。")


def _tell(answer: dict[str, Any]) -> None:
    typer.echo(answer["answer"])
    for quote in answer["quotes"]:
        typer.echo(f"\n  “{quote['text']}”\n  —— {quote['source']}")
    if answer["unproved"]:
        err.print(f"模型说了这些，但引不出原文，不能当真：{answer['unproved']}", markup=False)
    if answer["invented"]:
        made_up = "、".join(f"“{words}”" for words in answer["invented"])
        err.print(f"这些引文在原文里找不到，已去掉：{made_up}", markup=False)
