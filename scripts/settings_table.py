"""Print docs/settings.md from server/settings.py: `python -m scripts.settings_table`."""

from server.settings import Settings

HEAD = """# Settings

Every setting of the application, read from the environment. Written by
`python -m scripts.settings_table`; a test holds this page and `server/settings.py` together.

| variable | default | what it is |
|---|---|---|
"""

TOLD = {"data_dir": "`~/.local/share/yanchi`", "embedding_model": "the shipped one"}


def table() -> str:
    rows = []
    for name, field in Settings.model_fields.items():
        default = TOLD.get(name, "—" if field.default is None else f"`{field.default}`")
        rows.append(f"| `YANCHI_{name.upper()}` | {default} | {field.description} |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    print(table(), end="")
