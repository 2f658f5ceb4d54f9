"""A persona as the desk that is open has it: the card, its lorebook, what it knows in its work,
and the very prompt that the desk would send.

The prompt is asked for with an answer of one token; who then answers it, the base or an adapter,
is the asker's choice, whatever the persona itself is served with.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from retrieval.facts import sentence
from retrieval.timeline import NOT_YET
from retrieval.types import Fact, Message, Validity
from training.errors import BadInput, EngineUnreachable, PromptRefused
from training.judging.asking import AT_ONCE, EndpointWriter
from training.judging.persona.later import Later
from training.judging.persona.prompted import Prompted, without
from training.judging.persona.sheet import Sheet
from training.personas import Card
from training.publishing.desk import Desk, find_desk
from training.publishing.engine import DeskClient
from training.served.client import Endpoint
from training.served.together import together
from training.types import Progress, Turn

PREFIX = "persona/"
_CARD = ("description", "personality", "scenario", "first_message", "post_history", "system_prompt")
"""The card's fields that prompts or talks have."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is said before the answer, and the line that nobody may read, where there is one."""

    turns: Sequence[Turn]
    line: str = ""


class DeskWriter(EndpointWriter):
    """A model of the desk's, called the same wherever the desk listens: what is kept of it is
    found again."""

    @cached_property
    def name(self) -> str:
        return self._client.model


@dataclass(frozen=True)
class Persona:
    """`row` is the desk's own; `lore` are what its lorebook says."""

    row: Mapping[str, Any]
    lore: tuple[Mapping[str, Any], ...]
    user: str

    @property
    def name(self) -> str:
        return str(self.row["name"])

    @property
    def slug(self) -> str:
        return str(self.row["slug"])

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """All that the card and the lorebook say, the names put in."""
        texts = (*(str(self.row.get(field) or "") for field in _CARD), *self.row["examples"],
                 *(f"{each['name']}：{each['content']}" for each in self.lore))  # fmt: skip
        return tuple(filled for text in texts if (filled := self.filled(text)))

    def filled(self, text: str) -> str:
        return Card(self.name).filled(text, self.user)


class PersonaDesk:
    """The desk that is open on a data directory. A context manager. Raises EngineUnreachable."""

    def __init__(self, data_dir: Path, user: str = "我") -> None:
        address = find_desk(data_dir)
        if address is None:
            raise EngineUnreachable(
                "这个数据目录没有开着的书桌：人物要经过书桌来问。请先运行 yanchi serve。"
            )
        self._address, self._user = address, user
        self._desk = Desk.at(address)
        self._client = self._asking("")

    def __enter__(self) -> "PersonaDesk":
        return self

    def __exit__(self, *_: object) -> None:
        self._desk.__exit__()
        self._client.__exit__()

    def _asking(self, model: str) -> DeskClient:
        return DeskClient(Endpoint.told(f"{self._address}/v1", model))

    @cached_property
    def base(self) -> str:
        """What the served base is called."""
        model = str(self._desk.read("/api/health")["engine"]["model"])
        if not model:
            raise EngineUnreachable("书桌的模型还没有载入，请等它就绪后再运行一次。")
        return model

    def writer(self, model: str) -> DeskWriter:
        return DeskWriter(self._asking(model))

    def find(self, wanted: str, names: Sequence[str]) -> Persona:
        """By its slug, its name or its id; without one, who has the first of these names.

        Raises BadInput where nobody has.
        """
        rows = self._desk.read("/api/personas")
        said = wanted.removeprefix(PREFIX)
        for name in [said] if said else names:
            for row in rows:
                if name in (row["slug"], row["id"], row["name"]):
                    lore = self._desk.read(f"/api/personas/{row['id']}/lore")
                    used = tuple(each for each in lore if each.get("enabled", True))
                    return Persona(row, used, self._user)
        known = "、".join(f"{row['name']}（{row['slug']}）" for row in rows) or "一个也没有"
        raise BadInput(
            f"书桌上没有人物“{wanted or names[0]}”，有的是：{known}。"
            "请用 --persona 指明，或先用 yanchi persona build 做一个。"
        )

    # --- what it knows ------------------------------------------------------------------

    def sheet(self, persona: Persona, names: Sequence[str], others: Sequence[str]) -> Sheet:
        """`names` are what the script calls them besides, `others` who else speaks there."""
        row = persona.row
        own = next((c for c in self._characters(persona) if c["id"] == row["character_id"]), None)
        called = [persona.name, *names, *((own["name"], *own["aliases"]) if own else ())]
        texts = [*persona.parts, *(own["sheet"].values() if own else ())]
        known = {text for text, _ in self._knowledge(persona, "known")}
        facts, rivals = list[tuple[str, str]](), dict[str, tuple[str, ...]]()
        for fact in self._facts(persona):
            mine = own is not None and own["id"] == fact["character_id"]
            if (mine or fact["entity"] in called) and _told(fact) in known:
                facts.append((fact["attribute"], fact["value"]))
            else:
                before = rivals.get(fact["attribute"], ())
                rivals[fact["attribute"]] = (*before, fact["value"])
        return Sheet(
            tuple(dict.fromkeys(called)), persona.filled(row["description"]), "\n".join(texts),
            tuple(others), tuple(facts), rivals,
        )  # fmt: skip

    def later(self, persona: Persona) -> Later | None:
        """None for a persona without a work, or without a place in it that anything follows."""
        row = persona.row
        if row["work_id"] is None or row["chapter_id"] is None:
            return None
        before, after = self._read_until(row)
        unknown = {
            text for text, reason in self._knowledge(persona, "unknown") if reason == NOT_YET
        }
        facts = tuple(
            (str(f["entity"]), str(f["attribute"]), str(f["value"]))
            for f in self._facts(persona) if _told(f) in unknown
        )  # fmt: skip
        known = "\n".join(
            [*persona.parts, before, *(t for t, _ in self._knowledge(persona, "known"))]
        )
        names = tuple(
            name for each in self._characters(persona) for name in (each["name"], *each["aliases"])
            if name in after and name not in before
        )  # fmt: skip
        return Later(facts, names, known)

    def _read_until(self, row: Mapping[str, Any]) -> tuple[str, str]:
        """(the book up to the persona's place, the rest of it)."""
        root = f"/api/works/{row['work_id']}/chapters"
        ids = [each["id"] for each in self._desk.read(root)]
        texts = [str(self._desk.read(f"{root}/{id}")["text"]) for id in ids]
        at = ids.index(row["chapter_id"]) if row["chapter_id"] in ids else 0
        cut = len(texts[at]) if row["offset"] is None else int(row["offset"])
        return (
            "\n".join([*texts[:at], texts[at][:cut]]),
            "\n".join([texts[at][cut:], *texts[at + 1 :]]),
        )

    def _knowledge(self, persona: Persona, kind: str) -> list[tuple[str, str]]:
        told = self._desk.read(f"/api/personas/{persona.row['id']}/knowledge")
        return [(each["text"], each["reason"]) for each in told[kind]]

    def _characters(self, persona: Persona) -> list[dict[str, Any]]:
        return self._of_work(persona, "characters")

    def _facts(self, persona: Persona) -> list[dict[str, Any]]:
        return self._of_work(persona, "facts")

    def _of_work(self, persona: Persona, what: str) -> list[dict[str, Any]]:
        work = persona.row["work_id"]
        return list(self._desk.read(f"/api/works/{work}/{what}")) if work else []

    # --- what it is asked with ----------------------------------------------------------

    def prompts(
        self, persona: Persona, asked: Mapping[str, Question], recalling: bool,
        progress: Progress, note: str,
    ) -> dict[str, Prompted]:  # fmt: skip
        """The desk's prompts by the names of what is asked; none for one that it refuses.

        They are asked for anew each time: the card, the book and the templates are the author's
        to change.
        """
        asking = {
            name: partial(self._prompt, persona, question, recalling)
            for name, question in asked.items()
        }
        found: dict[str, Prompted] = {}
        for done, (name, told) in enumerate(together(self._client, asking, AT_ONCE), 1):
            with suppress(PromptRefused):
                found[name] = told.result()
            progress(done, len(asking), note)
        return found

    def _prompt(self, persona: Persona, question: Question, recalling: bool) -> Prompted:
        said = [{"role": turn.role, "content": turn.text} for turn in question.turns]
        body = {
            "model": f"{PREFIX}{persona.slug}", "messages": said, "max_tokens": 1,
            "yanchi": {"prompt": True, "retrieval": recalling, "user": persona.user},
        }  # fmt: skip
        told = self._client.post("/chat/completions", body)
        try:
            messages = [Message(m["role"], m["content"]) for m in told["yanchi"]["messages"]]
            return without(messages, told["yanchi"]["kept"], question.line)
        except (KeyError, TypeError) as error:
            raise PromptRefused("书桌没有说它的提示词") from error


def _told(fact: Mapping[str, Any]) -> str:
    """As the desk tells it among what a persona knows."""
    return sentence(Fact(fact["id"], fact["entity"], fact["attribute"], fact["value"], Validity()))
