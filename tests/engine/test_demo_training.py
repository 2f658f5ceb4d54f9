"""`make demo-training`, whole: script, data set, adapter, report, published, answering."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]


def test_a_script_becomes_a_voice_that_answers(tmp_path: Path) -> None:
    place = tmp_path / "demo"
    done = subprocess.run(
        [sys.executable, "-m", "scripts.demo_training", "--place", str(place)],
        cwd=ROOT, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (record,) = (place / "data" / "adapters").glob("*/yanchi.json")
    told = json.loads(record.read_text("utf-8"))
    assert told["base"]["name"] == "tiny-qwen"
    (report,) = (place / "data" / "runs").glob("*/report/report.json")
    assert json.loads(report.read_text("utf-8"))["outcomes"]
    assert (report.parent / "report.html").is_file()
