"""A rough operator watches the guards: what is told stays exact, and what stands out does not stay hidden."""

import pytest
import torch
from torch import Tensor

from backend.core.analyses.base import Moment
from backend.core.analyses.sharpness import MANY, Track
from backend.core.curvature.eigenpairs import finish
from backend.core.curvature.guards import Guards, Rough
from backend.core.curvature.hvp import hessian
from backend.core.curvature.tracking import FRESH, SCANNED, Tracker
from backend.core.problems.build import build_problem
from backend.schemas.analysis import SharpnessAnalysis
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import MoonsData
from backend.schemas.problem.model import MlpModel
from tests.core.curvature.curvature_cases import CPU, Dense, drawn, matrix_of

SIZE = 60


def turned(angle: float, values: Tensor, seed: int = 0) -> Tensor:
    """A symmetric matrix with these eigenvalues whose eigenvectors turn with the angle."""
    basis = torch.linalg.qr(torch.randn(SIZE, SIZE, generator=drawn(seed), dtype=torch.float64))[0]
    skew = torch.randn(SIZE, SIZE, generator=drawn(seed + 1), dtype=torch.float64) / SIZE
    basis = torch.linalg.matrix_exp(0.3 * angle * (skew - skew.T)) @ basis
    return basis @ torch.diag(values) @ basis.T


def roughly(matrix: Tensor, size: float = 0.1) -> Rough:
    """The matrix and an error that is always the same."""
    error = torch.randn(SIZE, SIZE, generator=drawn(7), dtype=torch.float64)
    return Rough(Dense(matrix + size * (error + error.T) / SIZE**0.5), 0.125)


@pytest.mark.parametrize("k", [1, 3])
def test_what_is_told_is_exact_where_eigenvalues_take_turns(k: int) -> None:
    tracker = Tracker(k, drawn(), tol=1e-3, budget=500)
    costs = []
    for at in range(FRESH + 6):
        values = torch.linspace(0, 1, SIZE, dtype=torch.float64)
        values[-6:] = 8.0 + torch.sin(0.3 * at + torch.arange(6, dtype=torch.float64))
        matrix = turned(at / 20, values)
        found = finish(tracker.look(Dense(matrix), None, roughly(matrix)))
        assert found.converged
        assert found.values_K.tolist() == pytest.approx(torch.linalg.eigvalsh(matrix).flip(0)[:k].tolist(), rel=2e-3)
        gaps_KP = found.vectors_KP @ matrix - found.values_K.unsqueeze(1) * found.vectors_KP
        torch.testing.assert_close(found.residuals_K, gaps_KP.norm(dim=1), rtol=1e-6, atol=1e-9)
        costs.append(found.products)
    assert len(found.vectors_KP) == k
    assert sum(costs[1:FRESH]) / (FRESH - 1) < 0.7 * costs[0]


def test_a_direction_that_was_never_followed_is_scouted() -> None:
    """The hint has a hundredth of it; each look the scout turns to it further."""
    diagonal = torch.zeros(SIZE, dtype=torch.float64)
    diagonal[:3] = torch.tensor([3.0, 2.5, 2.0])
    hint_P = torch.full((SIZE,), 0.01, dtype=torch.float64)
    hint_P[5] = 1.0
    tracker = Tracker(1, drawn(), tol=1e-6, budget=500)
    operator = Dense(torch.diag(diagonal))
    finish(tracker.look(operator, hint_P, Rough(operator, 0.125)))
    tracker._vectors_KP = torch.eye(3, SIZE, dtype=torch.float64)
    tracker._looks = SCANNED + 1
    diagonal[40] = 4.0
    operator = Dense(torch.diag(diagonal))
    seen = [finish(tracker.look(operator, hint_P, Rough(operator, 0.125))).sharpness for _ in range(4)]
    assert seen[-1] == pytest.approx(4.0)


def test_a_scan_finds_what_nothing_points_to() -> None:
    """Neither what is followed nor the hint has any of it: it is not seen before the next scan, and then at once."""
    diagonal = torch.zeros(SIZE, dtype=torch.float64)
    diagonal[:4] = torch.tensor([3.0, 2.5, 2.0, 4.0])
    operator = Dense(torch.diag(diagonal))
    tracker = Tracker(1, drawn(), tol=1e-6, budget=500)
    tracker._vectors_KP = torch.eye(3, SIZE, dtype=torch.float64)
    tracker._looks = 2 * SCANNED - 2
    seen = [finish(tracker.look(operator, None, Rough(operator, 0.125))).sharpness for _ in range(3)]
    assert seen == pytest.approx([3.0, 4.0, 4.0])
    guards = Guards(Rough(operator, 0.125), torch.eye(3, SIZE, dtype=torch.float64), torch.ones(SIZE).double(), 5)
    assert guards.products == 1  # 3 + 5 of an eighth, less what is in the span already
    assert abs(float(guards.leading(1)[0, 3])) == pytest.approx(1.0)


def test_a_full_step_makes_good_what_a_vector_has_lost() -> None:
    values = torch.zeros(SIZE, dtype=torch.float64)
    values[:4] = torch.tensor([10.0, 9.0, 8.0, 7.0])
    lost_MP = torch.eye(4, SIZE, dtype=torch.float64)
    lost_MP[:, 10:20] = 0.1
    rough = Rough(Dense(torch.diag(values)), 0.125)
    for step, most in ((1.0, 1e-9), (0.3, 1.0)):
        guards = Guards(rough, lost_MP)
        outside = [float(vector[4:].norm() / vector.norm()) for vector in guards.leading(4)]
        kept_MP = guards.followed(guards.leading(1), most=5, near=0.3, step=step)
        after = [float(vector[4:].norm() / vector.norm()) for vector in kept_MP]
        assert guards.products == 1
        assert max(outside) > 0.05
        assert after[0] == pytest.approx(outside[0])  # what is exact is left as it is
        assert all(now <= most * before + 1e-12 for now, before in zip(after[1:], outside[1:], strict=True))


def test_a_second_starts_the_search_only_where_it_is_close() -> None:
    values = torch.zeros(SIZE, dtype=torch.float64)
    for second, third, most, starts in ((9.7, 9.0, 2, 2), (9.5, 9.0, 2, 1), (9.7, 9.65, 2, 2), (9.7, 9.65, 3, 3)):
        values[:3] = torch.tensor([10.0, second, third])
        guards = Guards(Rough(Dense(torch.diag(values)), 0.125), torch.eye(3, SIZE, dtype=torch.float64))
        assert len(guards.leading(1, most=most, near=0.96)) == starts
        assert len(guards.leading(1)) == 1
        assert len(guards.leading(2, most=2, near=0.96)) == 2


def test_many_examples_are_watched_by_a_part_of_them() -> None:
    spec = DataProblem(data=MoonsData(examples=MANY), model=MlpModel(hidden=(6,)))
    problem = build_problem(spec, torch.float64, CPU)
    params_P, buffers_B = problem.params0(0)
    track = Track(problem, SharpnessAnalysis(tol=0.03), drawn())
    assert track._part is not None
    assert len(track._part) < MANY / 6
    costs = []
    for step in range(0, 60, 10):
        moment = Moment(step, params_P, buffers_B)
        found = finish(track.look(moment, torch.full_like(params_P, 4.0) if step > 30 else None))
        true = float(torch.linalg.eigvalsh(matrix_of(hessian(problem, moment)))[-1])
        assert found.plain.sharpness == pytest.approx(true, rel=0.01)
        assert (found.scaled is None) == (step <= 30)
        if found.scaled is not None:
            assert found.scaled.sharpness == pytest.approx(true / 4, rel=0.01)
        costs.append(found.plain.products)
        for _ in range(10):
            free_P = params_P.clone().requires_grad_()
            (grad_P,) = torch.autograd.grad(problem.loss(free_P, buffers_B), free_P)
            params_P = params_P - 0.5 * grad_P
    assert max(costs[1:]) < costs[0]
    few = build_problem(spec.model_copy(update={"data": MoonsData(examples=200)}), torch.float64, CPU)
    assert Track(few, SharpnessAnalysis(), drawn())._part is None
