"""Puts into a wheel what is not Python: the built page, the sample novel, personas, models, adapters.

Node is needed where the wheel is built, not where it is installed. Everything else about the
project is said in pyproject.toml.
"""

import shutil
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
SHIPPED = ("sample", "personas", "models", "adapters")
sys.path.insert(0, str(ROOT / "scripts"))

from build_page import build  # noqa: E402


class WithPage(build_py):
    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        built = Path(self.build_lib)
        data = ROOT / "data"
        for folder in (build(ROOT), *(data / name for name in SHIPPED)):
            target = built / folder.relative_to(ROOT)
            shutil.copytree(folder, target, dirs_exist_ok=True)


setup(cmdclass={"build_py": WithPage})
