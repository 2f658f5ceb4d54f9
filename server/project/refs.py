"""Ids and the names that stand for them in a project file: `characters/3` is the third row there.

In columns a name stands alone, in JSON columns alone under a key such as `chapter_id`, and in
other words (`lore:…`) in braces.
"""

import re
from collections.abc import Mapping
from typing import Any

from server.errors import Invalid
from server.models import new_id

GONE = "gone"
_KEYS = frozenset({"chapter_id", "character_id"})
"""Keys of JSON columns that hold an id."""
_ID = re.compile(r"[0-9a-f]{32}")
_NAME = re.compile(r"\{([a-z_]+/[1-9][0-9]{0,6})\}")


class Names:
    """Names for ids: of every row that the file has."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def of(self, id: str | None) -> str | None:
        """None stays None; what the file does not have is GONE."""
        return None if id is None else self._names.get(id, GONE)

    def number(self, id: str) -> int:
        """The place of a row in its table."""
        return int(self._names[id].partition("/")[2])

    def inside(self, value: Any) -> Any:
        """A JSON value with names in the place of ids; an id of nothing here stays in its words."""
        if isinstance(value, dict):
            return {
                k: self.of(v)
                if k in _KEYS and (v is None or isinstance(v, str))
                else self.inside(v)
                for k, v in value.items()
            }
        if isinstance(value, list):
            return [self.inside(v) for v in value]
        if isinstance(value, str):
            return _ID.sub(lambda m: self._braced(m[0]), value)
        return value

    def _braced(self, id: str) -> str:
        return f"{{{self._names[id]}}}" if id in self._names else id


class Ids:
    """Ids for names. Rows of one table have ascending ones, so that what is ordered by its id
    stays in order."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._ids = {
            f"{table}/{n}": id
            for table, count in counts.items()
            for n, id in enumerate(sorted(new_id() for _ in range(count)), 1)
        }

    def at(self, table: str, number: int) -> str:
        return self._ids[f"{table}/{number}"]

    def of(self, name: Any, table: str = "") -> str | None:
        """An id for the name of a row of `table`; GONE gets one that nobody has. Raises Invalid."""
        if name is None:
            return None
        if name == GONE:
            return new_id()
        if (
            not isinstance(name, str)
            or name not in self._ids
            or not name.startswith(f"{table}/" if table else "")
        ):
            raise Invalid(
                f"工程文件里提到的“{str(name)[:60]}”不在文件里，请重新导出。", code="damaged_file"
            )
        return self._ids[name]

    def inside(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {
                k: self.of(v, k.replace("_id", "s")) if k in _KEYS else self.inside(v)
                for k, v in value.items()
            }
        if isinstance(value, list):
            return [self.inside(v) for v in value]
        if isinstance(value, str):
            return _NAME.sub(lambda m: self._ids.get(m[1], m[0]), value)
        return value
