"""Which weights an answer came from: what is kept of one model is not taken for another's."""

import hashlib
from pathlib import Path

from training.publishing.fingerprint import fingerprint


def base_identity(base: Path) -> str:
    """Of the base and its chat template. Raises MissingBase."""
    found = fingerprint(base)
    return f"{found.sha256}-{found.template}"


def tuned_identity(base: Path, tuned: Path) -> str:
    """Of the base with an adapter on it, or of a wholly tuned model. Raises MissingBase."""
    weights = tuned / "adapter_model.safetensors"
    if not weights.is_file():
        return base_identity(tuned)
    with weights.open("rb") as file:
        adapter = hashlib.file_digest(file, "sha256").hexdigest()
    config = (tuned / "adapter_config.json").read_bytes()
    return f"{base_identity(base)}+{adapter}-{hashlib.sha256(config).hexdigest()}"
