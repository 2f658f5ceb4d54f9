import numpy as np
import pytest

from retrieval import product as products
from retrieval.product import product


@pytest.mark.parametrize("few", [1, 3])
@pytest.mark.parametrize("many", [0, 1, 7, 40])
@pytest.mark.parametrize("alone", [1, 100, 2**18])
def test_pieces_make_the_whole_product(
    few: int, many: int, alone: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "_ALONE", alone)
    dice = np.random.default_rng(few + many)
    left, right = dice.normal(size=(few, 16)), dice.normal(size=(many, 16))

    made = product(left, right)

    assert made.shape == (few, many)
    np.testing.assert_allclose(made, left @ right.T, atol=1e-12)
