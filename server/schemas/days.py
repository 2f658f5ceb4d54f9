"""Wire shapes of what was written when; characters without blanks."""

import datetime

from pydantic import BaseModel


class DayOut(BaseModel):
    day: datetime.date
    typed: int
    accepted: int


class TodayOut(BaseModel):
    """Over all works on the shelf; `goal` is what they want together."""

    typed: int
    accepted: int
    goal: int
