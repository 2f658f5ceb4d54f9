"""What the model should tell next in one work, and keeping what it told."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, select

from retrieval.memory.fresh import AUTHOR, Recap, Refusal, Source, Status, sources_of
from retrieval.memory.plan import Key, Level, Node
from retrieval.template import PromptTemplate
from server import models
from server.db import Database
from server.errors import NotFound
from server.manuscript import get_work, list_characters
from server.recaps.model import Ask, limit_of
from server.recaps.rows import Memory, keep, load_memory, made, read_texts

QUIET = timedelta(seconds=60)
"""How long a text must have been left alone before a model reads it: who is typing saves often."""
WORTH_TELLING = 1.5
"""What is shorter than so many recaps of it is told by its own sentences."""


@dataclass(frozen=True, slots=True)
class Prompting:
    """Which model would be asked, with which template."""

    model: str
    template: PromptTemplate

    @property
    def version(self) -> str:
        return self.template.version


@dataclass(frozen=True, slots=True)
class Job:
    """A recap for the model to make, and what stands for it as long as it has not."""

    work_id: str
    node: Node
    ask: Ask
    sources: tuple[Source, ...]
    by: Prompting


def next_job(
    database: Database,
    work_id: str,
    by: Prompting,
    asked: Collection[Key] = (),
    automatic: bool = True,
    quiet: timedelta = QUIET,
) -> Job | None:
    """The recap that the model should make next, None where there is none now.

    `asked` come first, whoever made what stands there. `automatic`: the others too that no
    model has made or failed at with this template; chapters before what reads them, the latest
    first; none whose text was saved within `quiet`, and none that grows with the book.
    """
    with database.reading() as session:
        try:
            get_work(session, work_id)
        except NotFound:
            return None
        memory = load_memory(session, work_id)
        busy = _saved_within(session, work_id, quiet) if automatic else set()
        wanted = [*_asked(memory, asked)]
        if automatic:
            wanted += open_nodes(memory, by, busy)
        for node in wanted:
            texts = read_texts(session, memory, node)
            if texts:
                names, limit = _names(session, work_id), _limit(memory, node)
                ask = Ask(node.key.level, texts, limit, by.template, names)
                sources = sources_of(memory.plan, node, memory.recaps, by.model)
                return Job(work_id, node, ask, sources, by)
    return None


def _asked(memory: Memory, asked: Collection[Key]) -> Iterator[Node]:
    found = memory.statuses()
    for key, node in memory.plan.nodes.items():
        if key in asked and found[key] is Status.FRESH and memory.recaps[key].maker != AUTHOR:
            yield node


def wanted_nodes(memory: Memory, by: Prompting) -> dict[Key, Node]:
    """All that the model should still tell by itself."""
    found = memory.statuses()
    return {
        node.key: node
        for node in memory.plan.nodes.values()
        if found[node.key] is Status.FRESH and _wants(memory, node, by)
    }


def wants_any(database: Database, work_id: str, by: Prompting) -> bool:
    """Whether there is, or soon will be, something to tell."""
    with database.reading() as session:
        return bool(wanted_nodes(load_memory(session, work_id), by))


def open_nodes(memory: Memory, by: Prompting, busy: Collection[str] = ()) -> list[Node]:
    """What the model can tell now, in the order in which it should."""
    wanted = wanted_nodes(memory, by)
    free = [
        node
        for node in wanted.values()
        if not any(key in wanted for key in node.reads)
        and not any(c.id in busy for c in memory.plan.covered(node))
    ]
    return sorted(free, key=_usefulness)


def _wants(memory: Memory, node: Node, by: Prompting) -> bool:
    """Whether it is long enough to be told, does not grow, and was neither told by a model
    with this template nor refused from this model."""
    recap = memory.recaps[node.key]
    if recap.maker == AUTHOR or not (node.closed or node.key.level is Level.CHAPTER):
        return False
    if _size(memory, node) < WORTH_TELLING * _limit(memory, node):
        return False
    if recap.by_model:
        return recap.version != by.version
    told = recap.refused
    return told is None or (told.model, told.version) != (by.model, by.version)


def _size(memory: Memory, node: Node) -> int:
    """Characters that it reads, about."""
    if node.key.level is Level.CHAPTER:
        return memory.plan.chapters[node.first].length
    return sum(len(memory.recaps[key].text) for key in node.reads)


def _limit(memory: Memory, node: Node) -> int:
    return limit_of(node.key.level, memory.plan.parts_in(node))


def _usefulness(node: Node) -> tuple[int, int]:
    """Chapters first, from the end, where the writing is; then parts; skeletons from the first."""
    last_first = -1 if node.key.level is not Level.BOOK else 1
    return list(Level).index(node.key.level), last_first * node.stop


def _saved_within(session: Session, work_id: str, quiet: timedelta) -> set[str]:
    table = models.Chapter
    since = datetime.now(UTC) - quiet
    query = select(table.id).where(table.work_id == work_id, col(table.updated_at) > since)
    return set(session.exec(query))


def _names(session: Session, work_id: str) -> frozenset[str]:
    return frozenset(n for c in list_characters(session, work_id) for n in (c.name, *c.aliases))


def keep_told(database: Database, job: Job, text: str) -> bool:
    """Write down what the model told; False where the text has changed since it read it."""
    return _keep(database, job, lambda m, n: made(m, n, text, job.by.model, job.by.version))


def keep_refusal(database: Database, job: Job, reason: str) -> bool:
    """Write down that the model failed, beside the recap that stands."""
    refused = Refusal(job.by.model, job.by.version, reason)
    return _keep(database, job, lambda m, n: replace(m.recaps[n.key], refused=refused))


def _keep(database: Database, job: Job, recap: Callable[[Memory, Node], Recap]) -> bool:
    with database.session() as session:
        memory = load_memory(session, job.work_id)
        node = memory.plan.nodes.get(job.node.key)
        if node is None or memory.recaps.get(node.key) is None:
            return False
        try:
            if sources_of(memory.plan, node, memory.recaps, job.by.model) != job.sources:
                return False
        except KeyError:
            return False
        return keep(session, job.work_id, recap(memory, node))
