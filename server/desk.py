"""Everything one running desk consists of, put together once for HTTP and command line."""

import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from retrieval.embed import PassageEmbeddings
from retrieval.library import Library
from retrieval.rerank import Reranker
from retrieval.static_model import LightEmbeddings
from server.db import Database
from server.documents.asking import Answerer
from server.engines.base import Engine
from server.hardware import detect
from server.indexing import Indexer
from server.jobs.board import Jobs, Room
from server.jobs.environment import environment
from server.personas.memory.memories import Memories
from server.personas.memory.recall import Recall
from server.personas.memory.writer import Summaries
from server.personas.shipped import load_shipped
from server.personas.talking import Talker
from server.recaps.worker import Recaps
from server.sample import load_sample
from server.settings import PERSONAS, SAMPLE, Settings
from server.tuning.published import serve_what_was_published
from server.tuning.shipped import Shipped
from server.vectors import index_store
from server.writing.continuation import Continuation
from server.writing.log import GenerationLog
from server.writing.streaming import Writer

log = logging.getLogger(__name__)


@dataclass
class Desk:
    settings: Settings
    database: Database
    library: Library
    indexer: Indexer
    engine: Engine
    continuation: Continuation
    writer: Writer
    recaps: Recaps
    memories: Memories
    talker: Talker
    answerer: Answerer
    jobs: Jobs
    shipped: Shipped

    @property
    def uploads(self) -> Path:
        return self.settings.data_dir / "uploads"

    def load_sample(self) -> str | None:
        """The sample novel's id when it was loaded now; the personas come with it."""
        if not self.settings.sample:
            return None
        with self.database.session() as session:
            work = load_sample(session, SAMPLE)
            load_shipped(session, PERSONAS)
        return work.id if work else None


def open_desk(
    settings: Settings,
    engine: Engine,
    *,
    prompt_tokens: int,
    embeddings: PassageEmbeddings | None = None,
) -> Desk:
    """Database migrated, indexes ready to be opened; neither engine nor indexer started."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database)
    database.migrate()
    store = index_store(settings)
    library = Library(
        store, embeddings or embeddings_for(settings), reranker=reranker_for(settings)
    )
    indexer = Indexer(database, library)
    most = settings.prompt_tokens or prompt_tokens
    continuation = Continuation(
        database,
        library,
        indexer,
        engine,
        prompt_tokens=most,
        automatic_recaps=settings.recaps != "off",
    )
    writer = Writer(database, engine)
    recaps = Recaps(database, engine, writer.running, mode=settings.recaps, gpu=has_gpu(settings))
    summaries = Summaries(
        database,
        engine,
        lambda: len(writer.running) > 0 or recaps.at_work,
        automatic=recaps.automatic,
    )
    memories = Memories(Recall(library, indexer, engine), summaries)
    talker = Talker(database, engine, writer, memories, prompt_tokens=most)
    answerer = Answerer(database, library, indexer, engine, writer, prompt_tokens=most)
    jobs = Jobs(
        settings.data_dir,
        lambda: environment(settings, engine),
        Room(give=engine.stop, take_back=engine.start),
        on_done=partial(serve_what_was_published, engine, settings.adapters_dir),
    )
    return Desk(
        settings, database, library, indexer, engine, continuation, writer, recaps, memories,
        talker,
        answerer, jobs, Shipped(engine, database, settings.adapters_dir),
    )  # fmt: skip


def has_gpu(settings: Settings) -> bool:
    """Whether our own engine has a GPU to spare while nobody writes."""
    own = settings.engine == "vllm" and settings.engine_url is None
    return own and detect().kind == "cuda"


def embeddings_for(settings: Settings) -> PassageEmbeddings:
    return LightEmbeddings(settings.embedding_model, device=settings.embedding_device)


def reranker_for(settings: Settings) -> Reranker | None:
    if settings.reranking_model is None:
        return None
    return Reranker(settings.reranking_model, device=settings.embedding_device)


async def run_desk(desk: Desk) -> None:
    """Start what works in the background: indexing, the engine, and the sample's loading."""
    mended = GenerationLog(desk.database).mend()
    if mended:
        log.info("%d generations were cut off by the last stop; what they wrote is kept", mended)
    desk.load_sample()
    desk.indexer.start()
    desk.recaps.start()
    desk.memories.summaries.start()
    desk.jobs.start()
    desk.shipped.start()
    if not desk.jobs.has_the_room:
        await desk.engine.start()


async def close_desk(desk: Desk) -> None:
    await desk.shipped.close()
    await desk.jobs.close()
    await desk.memories.summaries.close()
    await desk.recaps.close()
    await desk.engine.stop()
    desk.indexer.stop()
    desk.library.close()
    desk.database.close()
