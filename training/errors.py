"""What goes wrong in making data, tuning, judging and publishing, each with the way out.

TrainingError            a sentence for the author: what happened and what to do
├── BadInput             something given cannot be used; says the file, the row, the field
├── BadRecipe            a recipe that cannot be run; says the key
├── MissingBase          the base model is not there, or is another than the adapter's
├── NotServable          what came out would not be taken by the server
├── EngineUnreachable    the model that makes or judges data does not answer
├── PromptRefused        the model's engine will not take this one prompt; others may go on
└── RunFailed            a run ended before its end: disk, memory, a loss that is no number
"""

from pathlib import Path


class TrainingError(Exception):
    """`str(error)` is shown to authors as it stands; `code` is for programs."""

    code = "training"


class BadInput(TrainingError):
    """`file`, `row` (from 1) and `field` say where, as far as it is known."""

    code = "bad_input"

    def __init__(
        self, reason: str, *, file: Path | str = "", row: int | None = None, field: str = ""
    ) -> None:
        self.reason, self.file, self.row, self.field = reason, str(file), row, field
        place = "，".join(
            part
            for part in (
                Path(self.file).name,
                f"第 {row} 条" if row is not None else "",
                f"“{field}”" if field else "",
            )
            if part
        )
        super().__init__(f"{place}：{reason}" if place else reason)


class BadRecipe(TrainingError):
    code = "bad_recipe"


class MissingBase(TrainingError):
    code = "missing_base"


class NotServable(TrainingError):
    code = "not_servable"


class EngineUnreachable(TrainingError):
    code = "engine_unreachable"


class PromptRefused(TrainingError):
    code = "prompt_refused"


class RunFailed(TrainingError):
    code = "run_failed"
