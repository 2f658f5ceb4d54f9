"""How the desk is: the engine's state, what runs, what is being indexed."""

from importlib.metadata import version
from pathlib import Path

from fastapi import APIRouter, Response

from retrieval.budget import DEFAULT_SHARES, ORDER
from server import about
from server.deps import TheDesk
from server.schemas.health import (
    AboutOut,
    ComponentOut,
    EngineOut,
    EngineReport,
    HardwareOut,
    HealthOut,
    TrainingNow,
)
from server.tuning.runs import Runs

router = APIRouter(prefix="/api", tags=["health"])


@router.get("/health")
def health(desk: TheDesk) -> HealthOut:
    return HealthOut(
        version=version("yanchi"),
        engine=EngineOut.model_validate(desk.engine.status()),
        generations=len(desk.writer.running),
        indexing=desk.indexer.pending,
        training=_training(Runs(desk.jobs)),
    )


def _training(runs: Runs) -> TrainingNow | None:
    for job in runs.all():
        if job.state in ("running", "stopping"):
            told = runs.status(job) or {}
            step, steps = int(told.get("step") or 0), int(told.get("steps") or 0)
            return TrainingNow(run=job.id, title=job.title, step=step, steps=steps)
    return None


@router.get("/ready")
def ready(desk: TheDesk, response: Response) -> dict[str, bool]:
    """200 once the engine can write, 503 until then."""
    is_ready = desk.engine.status().state == "ready"
    response.status_code = 200 if is_ready else 503
    return {"ready": is_ready}


@router.get("/engine")
def engine(desk: TheDesk) -> EngineReport:
    """What writes and what finds, on which machine; its state is `/api/health`'s."""
    settings = desk.settings
    kind = about.engine_kind(desk.engine)
    return EngineReport(
        kind=kind,
        hardware=None if kind == "endpoint" else _hardware(),
        log=str(settings.logs_dir) if kind == "vllm" else None,
        adapters_dir=str(settings.adapters_dir),
        adapters_on_disk=about.adapters_on_disk(settings),
        embedding_model=Path(settings.embedding_model).name,
        reranking_model=settings.reranking_model,
        vector_store=settings.vector_store,
        recaps=settings.recaps,
        shares={group.value: DEFAULT_SHARES[group] for group in ORDER},
    )


def _hardware() -> HardwareOut:
    found = about.hardware()
    return HardwareOut(
        gpus=list(found.gpu_names),
        gpu_memory=found.gpu_memory_gib,
        cores=found.cpu_count,
        memory=found.memory_gib,
    )


@router.get("/about")
def about_this_desk(desk: TheDesk) -> AboutOut:
    """Where the author's words lie, and what the desk is built from."""
    return AboutOut(
        version=version("yanchi"),
        license="Apache-2.0",
        data_dir=str(desk.settings.data_dir),
        database=about.database_place(desk.settings),
        bytes=about.text_bytes(desk.settings),
        components=[ComponentOut.model_validate(found) for found in about.components()],
    )
