"""Figures as a readable table, and as flat JSON where `BENCH_JSON` names a file."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

COMPARISON_WIDTH = 190


@dataclass(frozen=True)
class Figure:
    name: str
    value: float
    unit: str
    note: str


@dataclass(frozen=True)
class Comparison:
    """Rows of text under their columns, for people; figures are what programs read."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


@dataclass
class Report:
    figures: list[Figure] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str, note: str = "") -> None:
        self.figures.append(Figure(name, round(value, 4), unit, note))

    def fact(self, name: str, value: str) -> None:
        self.facts[name] = value

    def table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        notes: Sequence[str] = (),
    ) -> None:
        self.comparisons.append(Comparison(title, columns, rows, notes))

    def print(self) -> None:
        console = Console(width=110)
        for name, value in {**machine(), **self.facts}.items():
            console.print(f"{name}: {value}", highlight=False)
        wide = Console(width=COMPARISON_WIDTH)
        for one in self.comparisons:
            compared = Table(*one.columns, title=one.title, title_justify="left")
            for row in one.rows:
                compared.add_row(*row)
            wide.print(compared, highlight=False)
            for note in one.notes:
                wide.print(note, highlight=False)
        table = Table("figure", "value", "unit", "how")
        for figure in self.figures:
            table.add_row(figure.name, f"{figure.value:g}", figure.unit, figure.note)
        console.print(table)

    def save(self) -> None:
        """Merge into the file that BENCH_JSON names, so that several benches share one."""
        target = os.environ.get("BENCH_JSON")
        if not target:
            return
        path = Path(target)
        told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        told |= {f.name: f.value for f in self.figures}
        path.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def machine() -> dict[str, str]:
    """What a reader must know to believe a figure."""
    info = (
        Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    )
    model = next((x.split(":")[1].strip() for x in info.splitlines() if "model name" in x), "?")
    flags = " ".join(f for f in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if f in info)
    memory = psutil.virtual_memory().total / 2**30
    return {
        "date": date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, {memory:.0f} GiB, {model}, {flags}",
        "python": platform.python_version(),
        "yanchi": version("yanchi"),
    }
