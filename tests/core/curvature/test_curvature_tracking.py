"""Following eigenpairs of a matrix that changes: few products, and no staying on a lower eigenvalue."""

import pytest
import torch
from torch import Tensor

from backend.core.curvature.eigenpairs import finish
from backend.core.curvature.operator import NotFiniteCurvature
from backend.core.curvature.tracking import FRESH, Tracker
from tests.core.curvature.curvature_cases import Dense, drawn

SIZE = 60


def turning(angle: float) -> Tensor:
    """A symmetric matrix whose eigenvectors turn with the angle, and whose two largest eigenvalues cross at 0.5."""
    basis = torch.linalg.qr(torch.randn(SIZE, SIZE, generator=drawn(), dtype=torch.float64))[0]
    skew = torch.randn(SIZE, SIZE, generator=drawn(1), dtype=torch.float64) / SIZE
    basis = torch.linalg.matrix_exp(0.1 * angle * (skew - skew.T)) @ basis
    values = torch.linspace(0, 1, SIZE, dtype=torch.float64)
    values[-2:] = torch.tensor([2.0 + angle, 3.0 - angle])
    return basis @ torch.diag(values) @ basis.T


@pytest.mark.parametrize("k", [1, 3])
def test_it_follows_a_matrix_that_turns_through_a_crossing(k: int) -> None:
    tracker = Tracker(k, drawn(), tol=1e-3, budget=500)
    costs = []
    for at in range(41):
        matrix = turning(at / 40)
        found = finish(tracker.look(Dense(matrix)))
        assert found.converged
        assert found.values_K.tolist() == pytest.approx(torch.linalg.eigvalsh(matrix).flip(0)[:k].tolist(), rel=1e-3)
        assert len(found.vectors_KP) == k
        costs.append(found.products)
    assert sum(costs[1:FRESH]) / (FRESH - 1) < 0.7 * costs[0]


def test_a_direction_that_was_never_followed_is_found_by_the_next_fresh_start() -> None:
    """What is followed lies in the first coordinates to the last bit, where the largest eigenvalue is not."""
    diagonal = torch.zeros(SIZE, dtype=torch.float64)
    diagonal[:3] = torch.tensor([3.0, 2.0, 1.0])
    tracker = Tracker(1, drawn(), tol=1e-6, budget=500)
    assert finish(tracker.look(Dense(torch.diag(diagonal)))).sharpness == pytest.approx(3.0)
    tracker._vectors_KP = torch.eye(2, SIZE, dtype=torch.float64)
    diagonal[40] = 4.0
    seen = [finish(tracker.look(Dense(torch.diag(diagonal)))).sharpness for _ in range(FRESH + 1)]
    assert seen[0] == pytest.approx(3.0)
    assert seen[FRESH - 1 :] == pytest.approx([4.0, 4.0])


def test_a_hint_shows_a_direction_that_was_never_followed() -> None:
    diagonal = torch.zeros(SIZE, dtype=torch.float64)
    diagonal[:3] = torch.tensor([3.0, 2.0, 1.0])
    tracker = Tracker(1, drawn(), tol=1e-6, budget=500)
    finish(tracker.look(Dense(torch.diag(diagonal))))
    tracker._vectors_KP = torch.eye(2, SIZE, dtype=torch.float64)
    diagonal[40] = 4.0
    hint_P = torch.zeros(SIZE, dtype=torch.float64)
    assert finish(tracker.look(Dense(torch.diag(diagonal)), hint_P)).sharpness == pytest.approx(3.0)  # tells nothing
    hint_P[[5, 40]] = torch.tensor([0.5, 1.0], dtype=torch.float64)
    assert finish(tracker.look(Dense(torch.diag(diagonal)), hint_P)).sharpness == pytest.approx(4.0)


def test_after_a_look_that_did_not_converge_the_next_starts_anew() -> None:
    matrix = turning(0.0)
    tracker = Tracker(1, drawn(), tol=1e-12, budget=5)
    looks = [finish(tracker.look(Dense(matrix))) for _ in range(3)]
    assert [look.converged for look in looks] == [False] * 3
    assert all(look.products <= 5 for look in looks)
    assert float(looks[0].residuals_K[0]) > 0.0


def test_a_matrix_of_two_has_room_for_no_guards() -> None:
    tracker = Tracker(1, drawn(), tol=1e-6, budget=50)
    for top in (5.0, 6.0):
        found = finish(tracker.look(Dense(torch.diag(torch.tensor([1.0, top], dtype=torch.float64)))))
        assert found.sharpness == pytest.approx(top)


def test_a_matrix_that_is_not_finite_is_named() -> None:
    tracker = Tracker(1, drawn(), tol=1e-3, budget=50)

    class Broken(Dense):
        def apply(self, V_KP: Tensor) -> Tensor:
            raise NotFiniteCurvature("not finite")

    with pytest.raises(NotFiniteCurvature):
        finish(tracker.look(Broken(turning(0.0))))
    assert finish(tracker.look(Dense(turning(0.0)))).converged
