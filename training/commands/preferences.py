"""`yanchi data preferences`: what an author took and refused at the desk, to learn from."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from training.commands.adapter_exports import DeskUrl
from training.commands.building import NewName, Replace, store
from training.commands.common import (
    AsJson,
    DataDir,
    ProgressJson,
    data_dir_for,
    sentences,
)
from training.errors import BadInput

if TYPE_CHECKING:
    from training.types import Refusal


def preferences(
    name: NewName,
    work: Annotated[
        list[str],
        typer.Option(
            help="只要这部作品的（书名或编号）；可以写几次，默认全部。", show_default=False
        ),
    ] = [],  # noqa: B006
    method: Annotated[
        Literal["dpo", "kto"],
        typer.Option(help="dpo：同一处采纳的和退回的配成对；kto：每一份单独算。"),
    ] = "dpo",
    desk: DeskUrl = None,
    data_dir: DataDir = None,
    replace: Replace = False,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    """书桌上采纳和退回的草稿变成偏好数据；采纳时改过的，改后的胜过原稿。"""
    with sentences(as_json):
        from training.data.preferences import preferences as judged
        from training.data.preferences_log import chosen_works, read_drafts
        from training.publishing.desk import open_desk

        refusals: list[Refusal] = []
        with open_desk(desk, data_dir_for(data_dir)) as opened:
            if opened is None:
                raise BadInput("没有开着的书桌：请先运行 yanchi serve，或用 --desk 给出地址。")
            drafts = [
                draft
                for each in chosen_works(opened.read, work)
                for draft in read_drafts(opened.read, each, refusals)
            ]
        items = list(judged(drafts, method))
        wanted = sum(draft.wanted for draft in drafts)
        _check(len(items), wanted, len(drafts) - wanted)
        store(
            name,
            items,
            command="data preferences",
            options={"work": work, "method": method},
            sources=[],
            refusals=refusals,
            report={"accepted": wanted, "refused": len(drafts) - wanted},
            data_dir=data_dir,
            replace=replace,
            as_json=as_json,
            progress_json=progress_json,
        )


commands: list[Callable[..., None]] = [preferences]


def _check(items: int, wanted: int, refused: int) -> None:
    """Raises BadInput where nothing can be compared."""
    if not (wanted and refused):
        raise BadInput(
            f"采纳的有 {wanted} 份，退回的有 {refused} 份：两种都要有，才学得出好恶。"
            "请在书桌上多写几次再来。"
        )
    if not items:
        raise BadInput(
            f"采纳的有 {wanted} 份，退回的有 {refused} 份，却不在同一处，配不成对；"
            "请改用 --method kto。"
        )
