"""What an adapter comes from goes out and comes back; a wrong base is refused by name."""

from pathlib import Path

import pytest

from training.errors import BadInput, MissingBase
from training.publishing.lineage import DataUsed, Lineage, check_base, trace

DATA = (DataUsed("huanhuan", "ab" * 32, 312),)


def test_it_is_written_and_read_back(base: Path, tmp_path: Path) -> None:
    told = trace(base, data=DATA, recipe={"name": "嬛嬛"}, run="20261121-1a2b")
    told.write(tmp_path)
    again = Lineage.read(tmp_path)
    assert again.to_json() == told.to_json()
    assert again.data == DATA
    assert again.base.sha256 == told.base.sha256
    check_base("voice", again, base)


def test_another_base_is_refused_naming_both(base: Path, tmp_path: Path) -> None:
    other = tmp_path / "别的池"
    other.mkdir()
    for file in base.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    (other / "chat_template.jinja").write_text("{{ messages }}")
    with pytest.raises(MissingBase, match="对话模板"):
        check_base("voice", trace(base), other)
    check_base("voice", trace(base, method="pretrain"), other)
    weights = bytearray((other / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (other / "model.safetensors").write_bytes(weights)
    with pytest.raises(MissingBase, match=rf"“{base.name}”.*“别的池”（权重不同）"):
        check_base("voice", trace(base, method="pretrain"), other)


@pytest.mark.parametrize("torn", ["", "{", "[]", "{}", '{"base": 3}', '{"base": {"name": "x"}}'])
def test_a_torn_record_is_told(tmp_path: Path, torn: str) -> None:
    (tmp_path / "lineage.json").write_text(torn)
    with pytest.raises(BadInput, match=r"lineage\.json|来历"):
        Lineage.read(tmp_path)
