"""What a chain says of eigenvalues that it has not found, against spectra that are known."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from backend.core.curvature.christoffel import chebyshev, christoffel
from backend.core.curvature.subspace import Subspace
from tests.core.curvature.curvature_cases import Dense, drawn


def chain(A_PP: Tensor, start_P: Tensor, steps: int) -> Tensor:
    space = Subspace(Dense(A_PP), steps)
    space.add(start_P.unsqueeze(0))
    while space.count < steps:
        assert space.extend() == 1
    return space.chain(0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [1e-1, 1e-3, 1e-6])
def test_no_start_holds_more_than_the_bound(seed: int, share: float) -> None:
    A_PP = torch.diag(torch.cat((torch.linspace(-1, 1, 60, dtype=torch.float64), torch.tensor([3.0]).double())))
    start_P = torch.randn(61, generator=drawn(seed), dtype=torch.float64)
    start_P[-1] = 0.0
    start_P *= math.sqrt(1 - share) / start_P.norm()
    start_P[-1] = math.sqrt(share)
    bounds = [christoffel(chain(A_PP, start_P, steps), 3.0 - 1e-9) for steps in range(1, 14)]
    assert all(bound >= share * (1 - 1e-6) for bound in bounds)
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(bounds) if later < 1)


def test_without_a_share_the_bound_falls_away() -> None:
    A_PP = torch.diag(torch.linspace(-1, 1, 60, dtype=torch.float64))
    start_P = torch.randn(60, generator=drawn(), dtype=torch.float64)
    T_MM = chain(A_PP, start_P, 12)
    assert christoffel(T_MM, 3.0) < 1e-12
    assert christoffel(T_MM, 3.0) < chebyshev(-1.0, 1.0, 3.0, 12)


@pytest.mark.parametrize("at", [0.9, 0.0, -2.0])
def test_within_the_spectrum_nothing_is_said(at: float) -> None:
    A_PP = torch.diag(torch.linspace(-1, 1, 60, dtype=torch.float64))
    T_MM = chain(A_PP, torch.randn(60, generator=drawn(), dtype=torch.float64), 12)
    assert christoffel(T_MM, at) == 1.0
    assert chebyshev(-1.0, 1.0, at, 12) == 1.0


def test_chebyshev_of_one_value() -> None:
    assert chebyshev(1.0, 1.0, 2.0, 3) == 0.0
    assert chebyshev(-1.0, 1.0, 2.0, 3) == pytest.approx(7.0**-2)  # T₂(2) = 7
