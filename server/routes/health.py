"""How the desk is: the engine's state, what runs, what is being indexed."""

from importlib.metadata import version

from fastapi import APIRouter, Response

from server.deps import TheDesk
from server.schemas.health import EngineOut, HealthOut

router = APIRouter(prefix="/api", tags=["health"])


@router.get("/health")
def health(desk: TheDesk) -> HealthOut:
    return HealthOut(
        version=version("yanchi"),
        engine=EngineOut.model_validate(desk.engine.status()),
        generations=len(desk.continuation.running),
        indexing=desk.indexer.pending,
    )


@router.get("/ready")
def ready(desk: TheDesk, response: Response) -> dict[str, bool]:
    """200 once the engine can write, 503 until then."""
    is_ready = desk.engine.status().state == "ready"
    response.status_code = 200 if is_ready else 503
    return {"ready": is_ready}
