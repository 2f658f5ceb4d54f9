"""A built wheel holds everything that a desk needs, the page included; Node is not among it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from server.settings import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


def test_it_has_the_page_the_sample_and_the_models(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "webui/dist/index.html" in names
    assert "data/sample/novel.md" in names
    assert "data/personas/1-huanhuan.json" in names
    assert "data/adapters/README.md" in names
    assert "data/models/yanchi-embed-zh/model.safetensors" in names
    assert not [n for n in names if "node_modules" in n or n.startswith(("tests/", "bench/"))]


def test_what_is_installed_from_it_serves_the_page(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel]
    subprocess.run(pip, check=True)
    code = (
        "from starlette.testclient import TestClient\n"
        "import server, pathlib\n"
        "from server.app import create_app\n"
        "from server.desk import open_desk\n"
        "from server.engines.scripted import ScriptedEngine\n"
        "from server.settings import Settings\n"
        "assert 'site' in pathlib.Path(server.__file__).parts, server.__file__\n"
        "desk = open_desk(Settings(data_dir=pathlib.Path('data')), ScriptedEngine(),"
        " prompt_tokens=2000)\n"
        "with TestClient(create_app(desk)) as client:\n"
        "    assert client.get('/').status_code == 200, client.get('/').text\n"
        "    assert client.get('/api/works').status_code == 200\n"
    )
    # No Node on the path, and the checkout out of reach.
    environment = {**os.environ, "PYTHONPATH": str(site), "PATH": "/nowhere"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
