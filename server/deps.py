"""What routes ask for, as annotated dependencies."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Path, Request
from sqlmodel import Session

from server.desk import Desk

ID = r"^[0-9a-f]{32}$"


def get_desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


TheDesk = Annotated[Desk, Depends(get_desk)]


def _reading(desk: TheDesk) -> Iterator[Session]:
    with desk.database.reading() as session:
        yield session


def _writing(desk: TheDesk) -> Iterator[Session]:
    with desk.database.session() as session:
        yield session


Reading = Annotated[Session, Depends(_reading)]
Writing = Annotated[Session, Depends(_writing, scope="function")]
"""Function scope: committed before the answer leaves, so that an answer is a promise kept."""

WorkId = Annotated[str, Path(pattern=ID)]
ChapterId = Annotated[str, Path(pattern=ID)]
RowId = Annotated[str, Path(pattern=ID)]
