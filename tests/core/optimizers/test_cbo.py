"""Consensus-based optimization: three steps by hand, Laplace's principle, and Rastrigin's minimum."""

import math

import pytest
import torch

from backend.core.optimizers.cbo import consensus
from backend.core.problems.params import Layout
from backend.schemas.optimizer.cbo import CboOptimizer
from tests.cases import build
from tests.core.optimizers.solo import Formula, Solo

BOWL = Formula(lambda x: 0.5 * x.square().sum(-1), Layout((("x", (1,)),)))


def test_three_steps_by_hand() -> None:
    # Particles at 1 and 3, no noise: f = .5, 4.5; e^(−α·4) = 1/3, so that c = (1·3 + 3·1)/4 = 1.5 and half the way
    alpha = math.log(3.0) / 4.0
    lane = Solo(CboOptimizer(lr=0.5, sigma=0.0, alpha=alpha, particles=2), BOWL, [7.0])
    lane.optimizer.load_state_dict({"particles": torch.tensor([[1.0], [3.0]], dtype=torch.float64)})
    a, b, at = 1.0, 3.0, 7.0
    for step in range(3):
        share = 1 / (1 + math.exp(-alpha * 0.5 * (b**2 - a**2)))
        c = share * a + (1 - share) * b
        if step == 0:
            assert c == pytest.approx(1.5)
        loss, _ = lane.step()
        assert loss.item() == 0.5 * at**2
        at = lane.at.item()
        assert at == pytest.approx(c, abs=1e-14)
        a, b = a - 0.5 * (a - c), b - 0.5 * (b - c)
        assert lane.state()["rule"]["particles"].flatten().tolist() == pytest.approx([a, b], abs=1e-14)


@pytest.mark.parametrize("noise", ["anisotropic", "isotropic"])
def test_noise_scales_with_the_distance_to_the_consensus(noise: str) -> None:
    flat = Formula(lambda x: 0.0 * x.sum(-1), Layout((("x", (2,)),)))
    lane = Solo(CboOptimizer(lr=0.25, drift=0.0, sigma=2.0, noise=noise, particles=2), flat, [0.0, 0.0])
    start = torch.tensor([[3.0, 1.0], [-3.0, -1.0]], dtype=torch.float64)  # around the consensus 0
    moves = []
    for _ in range(2000):
        lane.optimizer.load_state_dict({"particles": start})
        lane.step()
        moves.append(lane.state()["rule"]["particles"] - start)
    spread = torch.stack(moves).std(0)
    expected = start.abs() if noise == "anisotropic" else torch.full((2, 2), math.sqrt(10.0), dtype=torch.float64)
    assert torch.allclose(spread, expected, rtol=0.06)  # σ√η = 1


def test_the_consensus_tends_to_the_best_particle() -> None:
    points = torch.tensor([[0.0, 0.0], [1.0, 2.0], [5.0, -1.0]], dtype=torch.float64)
    losses = torch.tensor([0.3, 0.1, 0.4], dtype=torch.float64)
    gaps = [float((consensus(points, losses, alpha) - points[1]).norm()) for alpha in (0.0, 1.0, 10.0, 100.0, 1e5)]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] == 0.0
    assert consensus(points, losses, 0.0).tolist() == pytest.approx([2.0, 1 / 3])


def test_particles_without_a_loss_have_no_weight() -> None:
    points = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    assert consensus(points, torch.tensor([math.nan, 5.0], dtype=torch.float64), 1.0).tolist() == [1.0]
    assert bool(consensus(points, torch.tensor([math.nan, math.inf], dtype=torch.float64), 1.0).isnan().all())


def test_the_cloud_starts_in_its_box_around_the_initial_point() -> None:
    lane = Solo(CboOptimizer(lr=1e-9, spread=0.5, particles=4000, drift=0.0, sigma=0.0), BOWL, [10.0])
    lane.step()
    cloud = lane.state()["rule"]["particles"]
    assert 9.5 <= float(cloud.min()) < 9.51
    assert 10.49 < float(cloud.max()) <= 10.5
    assert float(cloud.mean()) == pytest.approx(10.0, abs=0.03)


@pytest.mark.parametrize("start", [(0.0, 0.0), (1.7, -2.6)])
def test_cbo_finds_rastrigins_minimum(start: tuple[float, float]) -> None:
    problem = build("rastrigin")
    found = 0
    for seed in range(20):
        lane = Solo(CboOptimizer(spread=5.12), problem, start, seed=seed)
        for _ in range(700):
            lane.step()
        found += float(lane.at.norm()) < 0.01
    assert found >= 18
