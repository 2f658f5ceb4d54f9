"""What a job's process is told through its environment: where things lie, where the engine is.

YANCHI_DATA_DIR                               the desk's own folder
YANCHI_SERVED_URL, YANCHI_SERVED_MODEL        the engine, in OpenAI's protocol (ends in /v1)
YANCHI_SERVED_SOCKET                          go through this unix socket; absent: by the URL
YANCHI_SERVED_KEY                             its key, never on a command line
YANCHI_SERVED_PATH                            the weights that it serves, where they are ours
"""

from server.engines.base import Engine
from server.settings import Settings


def environment(settings: Settings, engine: Engine) -> dict[str, str]:
    told = {"YANCHI_DATA_DIR": str(settings.data_dir.absolute()), "PYTHONUNBUFFERED": "1"}
    endpoint = engine.endpoint()
    if endpoint is None:
        return told
    told |= {"YANCHI_SERVED_URL": endpoint.url, "YANCHI_SERVED_MODEL": endpoint.model}
    if endpoint.key:
        told["YANCHI_SERVED_KEY"] = endpoint.key
    if endpoint.socket:
        told["YANCHI_SERVED_SOCKET"] = str(endpoint.socket)
    if endpoint.weights:
        told["YANCHI_SERVED_PATH"] = str(endpoint.weights)
    return told
