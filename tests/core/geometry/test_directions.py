"""Directions scaled to weights, against slices taken one by one."""

import pytest
import torch
from torch import Tensor

from backend.core.geometry.directions import gaussian, normalized
from backend.core.problems.params import Layout
from backend.core.runtime.seeding import generator
from tests.cases import NETWORKS, build, over

LAYOUT = Layout((("conv", (3, 2, 2, 2)), ("bias", (3,)), ("dense", (2, 5)), ("scale", ())))


def drawn(size: int, *names: str) -> Tensor:
    return gaussian(size, generator(0, *names))


@over(NETWORKS)
def test_every_filter_gets_the_length_of_the_weights_own(name: str) -> None:
    problem = build(name)
    weights_P, _ = problem.params0(0)
    direction_P = normalized(drawn(len(weights_P), "d"), weights_P, problem.layout, "filter", "zero")
    weights, direction = problem.layout.unflatten(weights_P), problem.layout.unflatten(direction_P)
    for key, w in weights.items():
        for w_k, d_k in zip(w, direction[key], strict=True):
            wanted = w_k.norm() if w.dim() > 1 else torch.zeros(())
            torch.testing.assert_close(d_k.norm(), wanted.double(), rtol=1e-9, atol=0)


def test_a_filter_keeps_its_direction() -> None:
    weights_P, raw_P = drawn(LAYOUT.size, "w"), drawn(LAYOUT.size, "d")
    scaled = LAYOUT.unflatten(normalized(raw_P, weights_P, LAYOUT, "filter", "zero"))
    for name in ("conv", "dense"):
        for before, after in zip(LAYOUT.unflatten(raw_P)[name], scaled[name], strict=True):
            cosine = (before * after).sum() / (before.norm() * after.norm())
            assert cosine.item() == pytest.approx(1.0, abs=1e-12)


def test_a_layer_is_scaled_as_one() -> None:
    weights_P, raw_P = drawn(LAYOUT.size, "w"), drawn(LAYOUT.size, "d")
    scaled = LAYOUT.unflatten(normalized(raw_P, weights_P, LAYOUT, "layer", "zero"))
    weights, raw = LAYOUT.unflatten(weights_P), LAYOUT.unflatten(raw_P)
    for name in ("conv", "dense"):
        torch.testing.assert_close(scaled[name], raw[name] * weights[name].norm() / raw[name].norm(), rtol=1e-9, atol=0)


def test_without_normalisation_weights_directions_stay_as_drawn() -> None:
    weights_P, raw_P = drawn(LAYOUT.size, "w"), drawn(LAYOUT.size, "d")
    scaled, raw = LAYOUT.unflatten(normalized(raw_P, weights_P, LAYOUT, "none", "zero")), LAYOUT.unflatten(raw_P)
    assert torch.equal(scaled["conv"], raw["conv"])
    assert torch.equal(scaled["dense"], raw["dense"])


@pytest.mark.parametrize("normalization", ["filter", "layer", "none"])
def test_tensors_of_one_axis_or_none_are_zero_or_copied(normalization: str) -> None:
    weights_P, raw_P = drawn(LAYOUT.size, "w"), drawn(LAYOUT.size, "d")
    zero = LAYOUT.unflatten(normalized(raw_P, weights_P, LAYOUT, normalization, "zero"))  # type: ignore[arg-type]
    copy = LAYOUT.unflatten(normalized(raw_P, weights_P, LAYOUT, normalization, "copy"))  # type: ignore[arg-type]
    for name in ("bias", "scale"):
        assert not zero[name].any()
        assert torch.equal(copy[name], LAYOUT.unflatten(weights_P)[name])


def test_a_filter_of_zeros_does_not_move() -> None:
    layout = Layout((("w", (2, 3)),))
    weights_P = torch.tensor([0.0, 0.0, 0.0, 1.0, 2.0, 2.0], dtype=torch.float64)
    scaled = layout.unflatten(normalized(torch.ones(6), weights_P, layout, "filter", "zero"))["w"]
    assert not scaled[0].any()
    assert scaled[1].norm().item() == pytest.approx(3.0, rel=1e-9)


def test_a_direction_of_zeros_stays_finite() -> None:
    layout = Layout((("w", (2, 3)),))
    scaled = normalized(torch.zeros(6), torch.ones(6), layout, "filter", "zero")
    assert torch.equal(scaled, torch.zeros(6, dtype=torch.float64))


def test_arguments_are_left_as_they_are() -> None:
    weights_P, raw_P = drawn(LAYOUT.size, "w"), drawn(LAYOUT.size, "d")
    weights_before, raw_before = weights_P.clone(), raw_P.clone()
    normalized(raw_P, weights_P, LAYOUT, "filter", "copy")
    assert torch.equal(weights_P, weights_before)
    assert torch.equal(raw_P, raw_before)


def test_gaussian_has_unit_variance_and_no_mean() -> None:
    values = gaussian(200_000, generator(1, "moments"))
    assert values.mean().abs().item() < 5 / 200_000**0.5
    assert values.var().item() == pytest.approx(1.0, abs=5 * (2 / 200_000) ** 0.5)
