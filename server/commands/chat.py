"""`yanchi chat`: a conversation with a persona in the terminal, on the desk that is open.

The conversation is the desk's own: what is said here stands on its page too.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from server.commands.common import DataDir, err, sentences, settings_for
from server.commands.remote import RemoteDesk, open_remote
from server.errors import Invalid, NotFound, YanchiError

app = typer.Typer()

HELP = (
    "直接打字就是说话。/again 换一种回答，/continue 接着说，/edit 新的话 改上一句再答，"
    "/history 看说过的话，/save 文件 存下来（.txt、.md 或 .jsonl），/quit 走。"
)


@app.command("chat")
def chat(
    who: Annotated[
        str, typer.Argument(help="人物：persona/huanhuan，或者名字。", show_default=False)
    ],
    user: Annotated[str, typer.Option(help="他怎么称呼你。")] = "我",
    last: Annotated[bool, typer.Option("--last", help="接着上一次聊。")] = False,
    data_dir: DataDir = None,
) -> None:
    """在终端里和一个人物聊天；书桌要开着，聊的话页面上也看得到。"""
    with sentences(as_json=False), open_remote(settings_for(data_dir).data_dir) as desk:
        persona = desk.persona(who)
        talk = Chat(desk, persona, sys.stdout)
        talk.open(user, last=last)
        err.print(HELP, markup=False)
        talk.run(_typed())


class Chat:
    """One conversation. `run` takes what is typed, line by line, until it ends or says /quit."""

    def __init__(self, desk: RemoteDesk, persona: dict[str, Any], out: TextIO) -> None:
        self._desk = desk
        self._persona = persona
        self._out = out
        self._id = ""
        self._user = "我"

    def open(self, user: str, *, last: bool = False) -> None:
        """A new conversation, or the one that was talked in last, where there is one."""
        mine = {"persona_id": self._persona["id"]}
        there = self._desk.ask("GET", "/api/conversations", params=mine) if last else []
        talk = (
            there[0]
            if there
            else self._desk.ask("POST", "/api/conversations", json={**mine, "user_name": user})
        )
        self._id, self._user = talk["id"], talk["user_name"]
        self._history("")

    def run(self, lines: Iterable[str]) -> None:
        for line in lines:
            text = line.strip()
            if text == "/quit":
                return
            try:
                if text:
                    self._obey(text)
            except YanchiError as error:
                err.print(f"[red]出错[/red]：{error.message}")

    def _obey(self, text: str) -> None:
        verb, _, rest = text.partition(" ")
        if not verb.startswith("/"):
            self._write("messages", {"text": text, "parent_id": self._leaf_id()})
            return
        known: dict[str, Callable[[str], None]] = {
            "/again": self._again, "/continue": self._go_on, "/edit": self._edit,
            "/history": self._history, "/save": self._save,
            "/help": lambda _: err.print(HELP, markup=False),
        }  # fmt: skip
        if verb not in known:
            raise Invalid(f"不认识 {verb}。{HELP}")
        known[verb](rest.strip())

    def _again(self, _: str) -> None:
        self._write(f"messages/{self._last()['id']}/again")

    def _go_on(self, _: str) -> None:
        """Only what is new is shown: the rest stands above."""
        self._write(f"messages/{self._last()['id']}/continue")

    def _edit(self, text: str) -> None:
        if not text:
            raise Invalid("请把新的话写在 /edit 后面。")
        own = next((row for row in reversed(self._path()) if row["role"] == "user"), None)
        if own is None:
            raise NotFound("您还没有说过话。")
        row = self._desk.ask("PATCH", f"{self._root}/messages/{own['id']}", json={"text": text})
        self._write(f"messages/{row['id']}/again")

    def _history(self, _: str) -> None:
        for row in self._path():
            name = self._user if row["role"] == "user" else self._persona["name"]
            self._say(f"{name}：{row['text']}\n")

    def _save(self, name: str) -> None:
        if not name:
            raise Invalid("请写存到哪里：/save 文件.txt（或 .md；.jsonl 是训练数据）。")
        path = Path(name).expanduser()
        form = path.suffix.removeprefix(".") or "txt"
        told = self._desk.text("GET", f"{self._root}/export", params={"format": form})
        try:
            path.write_text(told, encoding="utf-8")
        except OSError as error:
            raise Invalid(f"写不了 {path}：{error.strerror}。") from error
        err.print(f"存到了 {path}", markup=False)

    def _write(self, path: str, body: Any = None) -> None:
        """An answer as it comes; Ctrl+C ends it, and what there is stays."""
        self._say(f"{self._persona['name']}：")
        try:
            for event in self._desk.stream(f"{self._root}/{path}", body):
                if event.name == "delta":
                    self._say(event.data["text"])
        except KeyboardInterrupt:
            self._desk.ask("POST", f"{self._root}/stop")
            err.print("（停下了）")
        finally:
            self._say("\n")

    @property
    def _root(self) -> str:
        return f"/api/conversations/{self._id}"

    def _path(self) -> list[dict[str, Any]]:
        """What is on the page, from the first message to where the conversation stands."""
        tree = self._desk.ask("GET", f"{self._root}/tree")
        rows = {row["id"]: row for row in tree["messages"]}
        at, found = tree["leaf_id"], []
        while at in rows:
            found.append(rows[at])
            at = rows[at]["parent_id"]
        return found[::-1]

    def _leaf_id(self) -> str | None:
        path = self._path()
        return path[-1]["id"] if path else None

    def _last(self) -> dict[str, Any]:
        path = self._path()
        if not path:
            raise NotFound("还没有说过话。")
        return path[-1]

    def _say(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _typed() -> Iterator[str]:
    """Lines from the terminal, with its editing where there is any; Ctrl+C and Ctrl+D leave."""
    if sys.stdin.isatty():
        import readline  # noqa: F401  (input() edits lines with it)
    while True:
        try:
            yield input("> " if sys.stdin.isatty() else "")
        except (EOFError, KeyboardInterrupt):
            return
