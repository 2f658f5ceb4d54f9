"""Every error that leaves the application, drawn once.

    YanchiError                     500 internal_error
    ├── ForeignOrigin               403 foreign_origin      (in `guards.py`)
    ├── ForeignHost                 400 foreign_host        (in `guards.py`)
    ├── NotFound                    404 not_found
    ├── Invalid                     422 invalid_request
    │   ├── Refused                 422 (code of the retrieval error that caused it)
    │   └── UnknownAdapter          404 unknown_adapter
    ├── TooLarge                    413 too_large
    ├── Conflict                    409 conflict
    │   ├── StaleRevision           409 stale_revision
    │   └── ChapterGone             409 chapter_gone
    ├── NewerDatabase               500 newer_database      (at start, never over HTTP)
    ├── EngineError                 502 engine_error
    │   ├── EngineStarting          503 engine_starting     retryable
    │   ├── EngineLost              503 engine_lost         retryable
    │   ├── EngineBusy              503 engine_busy         retryable
    │   ├── EngineFailed            503 engine_failed
    │   └── EngineRefused           400 engine_refused
    └── WeightsError                503 weights_unavailable
        ├── NoHub                   503 no_hub
        ├── BrokenDownload          503 broken_download     retryable
        ├── WrongDigest             503 wrong_digest        retryable
        └── DiskFull                507 disk_full

A message is one sentence for an author, in Chinese: the cause and the way out.
Foreign errors are translated where they enter: the engine's in `engines/`, downloads in
`weights/`, retrieval's in `from_retrieval`. `as_body` is the only HTTP shape.
"""

from typing import Any

from retrieval.errors import RetrievalError


class YanchiError(Exception):
    status = 500
    code = "internal_error"
    retryable = False

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code


class NotFound(YanchiError):
    status = 404
    code = "not_found"


class Invalid(YanchiError):
    status = 422
    code = "invalid_request"


class Refused(Invalid):
    """An imported text or a prompt that retrieval cannot accept; carries its code."""


class UnknownAdapter(Invalid):
    status = 404
    code = "unknown_adapter"


class TooLarge(YanchiError):
    status = 413
    code = "too_large"


class Conflict(YanchiError):
    status = 409
    code = "conflict"


class StaleRevision(Conflict):
    code = "stale_revision"


class ChapterGone(Conflict):
    code = "chapter_gone"


class NewerDatabase(YanchiError):
    code = "newer_database"


class EngineError(YanchiError):
    status = 502
    code = "engine_error"


class EngineStarting(EngineError):
    status = 503
    code = "engine_starting"
    retryable = True


class EngineLost(EngineError):
    status = 503
    code = "engine_lost"
    retryable = True


class EngineBusy(EngineError):
    status = 503
    code = "engine_busy"
    retryable = True


class EngineFailed(EngineError):
    status = 503
    code = "engine_failed"


class EngineRefused(EngineError):
    status = 400
    code = "engine_refused"


class WeightsError(YanchiError):
    status = 503
    code = "weights_unavailable"


class NoHub(WeightsError):
    code = "no_hub"


class BrokenDownload(WeightsError):
    code = "broken_download"
    retryable = True


class WrongDigest(WeightsError):
    code = "wrong_digest"
    retryable = True


class DiskFull(WeightsError):
    status = 507
    code = "disk_full"


def from_retrieval(error: RetrievalError) -> YanchiError:
    """The one place where retrieval's errors become the application's."""
    return Refused(error.message, code=error.code)


def as_body(error: YanchiError) -> dict[str, Any]:
    """The body of every error answer, and the data of every `error` event."""
    return {"error": {"code": error.code, "message": error.message, "retryable": error.retryable}}
