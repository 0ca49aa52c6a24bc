"""Movement against plain loops, and where the answer is known."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from backend.core.geometry.movement import movement
from backend.core.gradients.rotation import layer_rotation
from backend.core.problems.params import Layout

NET = Layout((("0.weight", (3, 2)), ("0.bias", (3,)), ("2.weight", (1, 3)), ("2.bias", (1,)), ("norm.scale", (2,))))
LAYERS = {"0": range(9), "2": range(9, 13), "norm": range(13, 15), "all": range(15)}
KERNELS = {"0": range(6), "2": range(9, 12), "norm": range(13, 15), "all": [*range(6), *range(9, 12)]}


def draws(seed: int, count: int) -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    return [torch.randn(NET.size, generator=random, dtype=torch.float64) for _ in range(count)]


@given(st.integers(0, 2**31))
def test_every_number_is_that_of_a_plain_loop(seed: int) -> None:
    now_P, start_P, update_P, grad_P = draws(seed, 4)
    found = movement(NET, now_P, start_P, update_P, grad_P)
    assert found.names == tuple(LAYERS)
    for place, name in enumerate(found.names):
        size = dict.fromkeys("θΔgd", 0.0)
        for i in LAYERS[name]:
            size["θ"] += now_P[i].item() ** 2
            size["Δ"] += update_P[i].item() ** 2
            size["g"] += grad_P[i].item() ** 2
            size["d"] += (now_P[i].item() - start_P[i].item()) ** 2
        dot = sum(now_P[i].item() * start_P[i].item() for i in KERNELS[name])
        squares = [sum(vector_P[i].item() ** 2 for i in KERNELS[name]) for vector_P in (now_P, start_P)]
        assert found.effective_step_L[place] == pytest.approx(math.sqrt(size["Δ"] / size["g"]), rel=1e-12)
        assert found.update_ratio_L[place] == pytest.approx(math.sqrt(size["Δ"] / size["θ"]), rel=1e-12)
        assert found.distance_L[place] == pytest.approx(math.sqrt(size["d"]), rel=1e-12)
        assert found.rotation_L[place] == pytest.approx(1 - dot / math.sqrt(math.prod(squares)), abs=1e-12)


def test_gradient_descent_s_effective_step_is_its_rate_in_every_layer() -> None:
    now_P, grad_P = draws(0, 2)
    found = movement(NET, now_P - 0.03 * grad_P, now_P, -0.03 * grad_P, grad_P)
    np.testing.assert_allclose(found.effective_step_L, 0.03, rtol=1e-12)


def test_what_has_not_moved_is_nowhere_else() -> None:
    now_P, grad_P = draws(1, 2)
    found = movement(NET, now_P, now_P, torch.zeros_like(now_P), grad_P)
    for value_L in (found.effective_step_L, found.update_ratio_L, found.distance_L):
        assert value_L.tolist() == [0.0] * 4
    np.testing.assert_allclose(found.rotation_L, 0.0, atol=1e-15)


def test_a_layer_turned_around_has_rotation_two_and_one_that_has_grown_none() -> None:
    (start_P,) = draws(2, 1)
    now_P = start_P.clone()
    now_P[:6] *= -1  # the first kernel
    now_P[9:12] *= 5  # the second
    found = movement(NET, now_P, start_P)
    np.testing.assert_allclose(found.rotation_L[:3], [2.0, 0.0, 0.0], atol=1e-15)
    kernels = list(layer_rotation(NET, now_P, start_P).values())
    np.testing.assert_allclose(found.rotation_L[:2], kernels, atol=1e-15)
    assert found.distance_L[0] == pytest.approx(2 * float(start_P[:6].norm()))


def test_what_is_not_known_is_not_invented() -> None:
    zeros_P, (now_P,) = torch.zeros(NET.size), draws(3, 1)
    alone = movement(NET, now_P, now_P)
    assert torch.isnan(torch.cat([alone.effective_step_L, alone.update_ratio_L])).all()
    from_nothing = movement(NET, zeros_P, zeros_P, zeros_P, zeros_P)
    assert torch.isnan(torch.cat([from_nothing.rotation_L, from_nothing.effective_step_L])).all()
    assert from_nothing.distance_L.tolist() == [0.0] * 4


def test_one_layer_is_told_once() -> None:
    now_P, start_P = draws(4, 2)
    assert movement(Layout((("x", (15,)),)), now_P, start_P).names == ("all",)
    whole = movement(NET, now_P, start_P, by_layer=False)
    assert whole.names == ("all",)
    assert whole.distance_L[0] == movement(NET, now_P, start_P).distance_L[-1]
