"""The names that a request may ask for, and what they mean.

The base model and its adapters by their own names, `persona/<slug>`, and works as `work/<title>`
and, in ASCII, `work/<id>`. Of several works with one title the oldest has it.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from sqlmodel import Session, col, select

from server.about import adapters_on_disk
from server.desk import Desk
from server.errors import EngineError, UnknownAdapter
from server.models import Persona, Work
from server.openai.errors import ApiError
from server.personas.cards import list_personas

Kind = Literal["base", "adapter", "persona", "work", "embedding"]
PERSONA, WORK = "persona/", "work/"
STARTED = int(time.time())


@dataclass(frozen=True, slots=True)
class Model:
    id: str
    kind: Kind
    title: str = ""
    row: str = ""
    """The id of the persona or the work."""
    created: int = STARTED
    told: dict[str, Any] = field(default_factory=dict)

    def card(self) -> dict[str, Any]:
        """As `GET /v1/models` tells it."""
        card = {"id": self.id, "object": "model", "created": self.created, "owned_by": "yanchi"}
        return card | self.told | {"yanchi": {"kind": self.kind, "title": self.title or self.id}}


def embedding_name(desk: Desk) -> str:
    return Path(desk.settings.embedding_model).name


def list_models(session: Session, desk: Desk, loaded: set[str]) -> Iterator[Model]:
    """All of them; no id twice."""
    status = desk.engine.status()
    if status.model:
        window = {"max_model_len": status.window} if status.window else {}
        yield Model(status.model, "base", told=window)
    for name in sorted(loaded | set(adapters_on_disk(desk.settings))):
        yield Model(name, "adapter")
    for persona in list_personas(session):
        yield _of_persona(persona)
    titles: set[str] = set()
    for work in session.exec(_works()):
        if work.title not in titles:
            yield _of_work(work, work.title)
        titles.add(work.title)
        yield _of_work(work, work.id)
    yield Model(embedding_name(desk), "embedding")


def find_model(session: Session, desk: Desk, name: str, loaded: set[str]) -> Model:
    """Raises ApiError (404)."""
    found: Model | None = None
    if name.startswith(PERSONA):
        found = _persona(session, name.removeprefix(PERSONA))
    elif name.startswith(WORK):
        found = _work(session, name.removeprefix(WORK))
    elif name == desk.engine.status().model:
        found = Model(name, "base")
    elif name in loaded or name in adapters_on_disk(desk.settings):
        found = Model(name, "adapter")
    elif name == embedding_name(desk):
        found = Model(name, "embedding")
    if found is None:
        raise ApiError(
            f"The model '{name[:200]}' does not exist; GET /v1/models lists those that do.",
            status=404, param="model", code="model_not_found",
        )  # fmt: skip
    return found


async def loaded_adapters(desk: Desk) -> set[str]:
    """Empty while the engine cannot tell."""
    try:
        return {adapter.name for adapter in await desk.engine.adapters()}
    except EngineError:
        return set()


async def need_adapter(desk: Desk, name: str, loaded: set[str]) -> None:
    """Load it from the data directory where it is not. Raises UnknownAdapter, EngineError."""
    if name in loaded:
        return
    if name not in adapters_on_disk(desk.settings):
        raise UnknownAdapter(f"没有名为“{name}”的适配器，请先训练或放入它。")
    await desk.engine.load_adapter(name, desk.settings.adapters_dir / name)


def _persona(session: Session, slug: str) -> Model | None:
    query = select(Persona).where(Persona.slug == slug, col(Persona.deleted_at).is_(None))
    row = session.exec(query).first()
    return _of_persona(row) if row else None


def _work(session: Session, name: str) -> Model | None:
    row = session.exec(_works().where((Work.id == name) | (Work.title == name))).first()
    return _of_work(row, name) if row else None


def _works() -> Any:
    living = select(Work).where(col(Work.deleted_at).is_(None))
    return living.order_by(col(Work.created_at), col(Work.id))


def _of_persona(row: Persona) -> Model:
    return Model(f"{PERSONA}{row.slug}", "persona", row.name, row.id, _seconds(row.created_at))


def _of_work(row: Work, name: str) -> Model:
    return Model(f"{WORK}{name}", "work", row.title, row.id, _seconds(row.created_at))


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
