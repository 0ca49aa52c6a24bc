"""What the metrics say of maps whose worth is known."""

import math

import pytest
import scipy.stats
import torch
from core.saliency.nets import drawn
from torch import Tensor

from backend.core.saliency import metrics

W = torch.tensor([3.0, -2.0, 0.5, 0.0], dtype=torch.float64)


def linear(x: Tensor) -> Tensor:
    return x @ W


def test_deleting_what_matters_most_costs_most() -> None:
    x, base = torch.ones(1, 4, dtype=torch.float64), torch.zeros(1, 4, dtype=torch.float64)
    deleted = torch.stack(list(metrics.curve(linear, x, base, x * W, 4, insert=False)))
    assert deleted[:, 0].tolist() == [1.5, -1.5, -2.0, -2.0, 0.0]
    inserted = torch.stack(list(metrics.curve(linear, x, base, x * W, 4, insert=True)))
    assert inserted[:, 0].tolist() == [0.0, 3.0, 3.5, 3.5, 1.5]
    assert float(metrics.area(inserted)) == pytest.approx((0 / 2 + 3 + 3.5 + 3.5 + 1.5 / 2) / 4)
    worst = torch.stack(list(metrics.curve(linear, x, base, -x * W, 4, insert=True)))
    assert float(metrics.area(worst)) < float(metrics.area(inserted))


def test_the_gradient_of_a_linear_model_is_faithful() -> None:
    x = drawn(3, 4)
    exact = metrics.infidelity(linear, x, W.expand(3, 4), 0.1, 200, torch.Generator().manual_seed(0))
    assert float(exact.max()) < 1e-25
    nothing = metrics.infidelity(
        linear, x, torch.zeros(3, 4, dtype=torch.float64), 0.1, 20_000, torch.Generator().manual_seed(0)
    )
    torch.testing.assert_close(nothing, torch.full((3,), 0.01 * float(W @ W), dtype=torch.float64), rtol=0.05, atol=0)


def test_a_constant_map_is_not_sensitive_and_a_steep_one_is() -> None:
    x, draw = drawn(3, 4), torch.Generator().manual_seed(0)
    assert metrics.max_sensitivity(lambda z: W.expand_as(z), x, 0.02, 5, draw).tolist() == [0.0] * 3
    found = metrics.max_sensitivity(lambda z: z, x, 0.02, 50, draw)
    assert bool((found <= 0.02 * 2 / x.norm(dim=1) + 1e-12).all())
    assert bool((found > 0).all())


def test_correlations_are_those_of_scipy() -> None:
    one, other = drawn(3, 5, 5), drawn(3, 5, 5, seed=1)
    other[:, 0] = other[:, 1]  # ties
    expected = [scipy.stats.spearmanr(a.flatten(), b.flatten()).statistic for a, b in zip(one, other, strict=True)]
    assert metrics.rank_correlation(one, other).tolist() == pytest.approx(expected)
    expected = [scipy.stats.pearsonr(a.flatten(), b.flatten()).statistic for a, b in zip(one, other, strict=True)]
    assert metrics.correlation(one, other).tolist() == pytest.approx(expected)
    assert math.isnan(float(metrics.correlation(one, torch.ones_like(one))[0]))


def test_mass_caps_and_masks() -> None:
    found = torch.tensor([[4.0, -3.0, 2.0, 1.0]])
    assert metrics.mass_within(found, torch.tensor([[True, True, False, False]])).tolist() == pytest.approx([0.7])
    clipped, cap = metrics.capped(torch.cat([torch.ones(1, 199), -torch.full((1, 1), 50.0)], 1))
    assert float(cap) == pytest.approx(1.0)
    assert float(clipped.min()) == -1.0
    x, fill = torch.tensor([[1.0, 2.0, 3.0, 4.0]]), torch.zeros(1, 4)
    assert metrics.masked_by_rank(x, found, 0.5, fill, keep_top=True).tolist() == [[1.0, 2.0, 0.0, 0.0]]
    assert metrics.masked_by_rank(x, found, 0.25, fill, keep_top=False).tolist() == [[0.0, 0.0, 0.0, 4.0]]


def test_a_cascade_redraws_from_the_top() -> None:
    old, new = torch.zeros(6), torch.ones(6)
    found = metrics.cascade([(0, 2), (2, 5), (5, 6)], old, new)
    assert [row.tolist() for row in found] == [[0.0] * 5 + [1.0], [0.0] * 2 + [1.0] * 4, [1.0] * 6]
    assert old.tolist() == [0.0] * 6
