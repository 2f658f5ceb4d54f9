"""Write the page's API types from the application's own schema: `python -m scripts.api_types`.

The first line of `webui/src/api/schema.d.ts` holds the schema's hash, so that a test can tell
without Node whether the types are those of the API as it is.
"""

import hashlib
import json
import subprocess
import tempfile
from pathlib import Path

from server.app import create_app
from server.desk import open_desk
from server.engines.scripted import ScriptedEngine
from server.settings import ROOT, Settings

WEBUI = ROOT / "webui"
TYPES = WEBUI / "src" / "api" / "schema.d.ts"


def schema() -> str:
    """The application's OpenAPI schema as canonical JSON."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), sample=False)
        desk = open_desk(settings, ScriptedEngine(), prompt_tokens=2000)
        return json.dumps(create_app(desk).openapi(), ensure_ascii=False, sort_keys=True)


def first_line(found: str) -> str:
    return f"// openapi sha256 {hashlib.sha256(found.encode()).hexdigest()}\n"


def main() -> None:
    found = schema()
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder) / "openapi.json", Path(folder) / "schema.d.ts"
        source.write_text(found, encoding="utf-8")
        tool = WEBUI / "node_modules" / ".bin" / "openapi-typescript"
        subprocess.run([tool, source, "-o", made], check=True, cwd=WEBUI)
        TYPES.write_text(first_line(found) + made.read_text(encoding="utf-8"), encoding="utf-8")


if __name__ == "__main__":
    main()
