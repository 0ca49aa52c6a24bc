"""What each diagnostic says where the answer is known."""

import math
import threading

import pytest
import torch
from torch import Tensor

from backend.core.analyses.base import ALIVE, Moment
from backend.core.curvature.eigenpairs import finish
from backend.core.gradients import coherence as coherent
from backend.core.gradients import conflict, lojasiewicz, opposing, rotation, singular_values, starvation
from backend.core.gradients import noise_scale as noise
from backend.core.gradients import signal_to_noise as signal
from backend.core.gradients import tangent_kernel as tangent
from backend.core.gradients import weight_alignment as aligned
from backend.core.problems.problem import Data
from tests.cases import build


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# --- signal and noise -------------------------------------------------------------------------------------------------


def test_the_signal_to_noise_ratio_of_planted_gradients() -> None:
    grad_Np = 0.5 + 2.0 * drawn(200_000, 3)
    torch.testing.assert_close(
        signal.signal_to_noise(grad_Np), torch.full((3,), 0.0625, dtype=torch.float64), rtol=0.05, atol=0
    )
    few = torch.tensor([[1.0, 2.0], [3.0, 2.0]], dtype=torch.float64)
    assert signal.signal_to_noise(few).tolist() == [4.0, math.inf]


def one_step(grad_Np: Tensor) -> float:
    square_p = grad_Np.mean(0) ** 2
    return float(signal.one_step_ratio(signal.signal_to_noise(grad_Np), square_p / square_p.sum(), len(grad_Np)))


def test_what_one_step_wins_elsewhere() -> None:
    even = torch.full((4,), 0.25, dtype=torch.float64)
    assert float(signal.one_step_ratio(torch.zeros_like(even), even, 50)) == pytest.approx(0.0)
    assert float(signal.one_step_ratio(torch.full_like(even, math.inf), even, 50)) == 1.0
    assert one_step(torch.tensor([[1.0, -2.0, 0.0]] * 5, dtype=torch.float64)) == 1.0
    assert one_step(torch.tensor([[1.0], [3.0]], dtype=torch.float64)) == pytest.approx(1 - 0.5 / 4.5)  # r = 4
    assert math.isnan(one_step(torch.tensor([[1.0], [-1.0]])))
    assert one_step(drawn(500, 20_000)) == pytest.approx(0.656, abs=0.02)  # 1 − E[x/(x + 1)], x of χ²


# --- coherence --------------------------------------------------------------------------------------------------------


def test_coherence_of_equal_orthogonal_and_opposed_gradients() -> None:
    equal = torch.ones(6, 4, dtype=torch.float64)
    orthogonal = 3 * torch.eye(6, dtype=torch.float64)
    opposed = torch.tensor([[1.0, 2.0], [-1.0, -2.0]], dtype=torch.float64)
    for grad_NP, expected in ((equal, 1.0), (orthogonal, 1 / 6), (opposed, 0.0)):
        assert float(coherent.coherence(grad_NP @ grad_NP.T)) == pytest.approx(expected, abs=1e-15)
    some = drawn(7, 5)
    expected = some.mean(0).pow(2).sum() / some.pow(2).sum(1).mean()
    assert float(coherent.coherence(some @ some.T)) == pytest.approx(float(expected), rel=1e-12)


def test_cosines_between_classes_leave_an_example_and_itself_out() -> None:
    grad_NP = torch.tensor([[1.0, 0.0], [2.0, 0.0], [-3.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    cosine_NN = coherent.cosines(grad_NP @ grad_NP.T)
    found = coherent.between_classes(cosine_NN, torch.tensor([0, 0, 1, 1]), 3)
    assert found[0, 0] == 1.0
    assert found[0, 1] == found[1, 0] == -0.5
    assert found[1, 1] == 0.0
    assert math.isnan(float(found[2, 2]))


# --- noise scale ------------------------------------------------------------------------------------------------------


def test_the_noise_scale_of_planted_gradients() -> None:
    mean, sigma, count, size = 0.2, 3.0, 4000, 400
    grad_NP = mean + sigma * drawn(count, size)
    found = noise.from_gram(grad_NP @ grad_NP.T)
    assert found.value == pytest.approx(sigma**2 / mean**2, rel=0.03)  # 225
    assert found.noise == pytest.approx(sigma**2 * size, rel=0.01)


def test_the_noise_scale_from_two_batch_sizes_by_hand() -> None:
    found = noise.noise_scale(small_sq=1 + 8 / 2, large_sq=1 + 8 / 8, small=2, large=8)  # ‖G‖² = 1, tr Σ = 8
    assert found == pytest.approx((1.0, 8.0))
    with pytest.raises(ValueError, match="two sizes"):
        noise.noise_scale(1.0, 1.0, 4, 4)


# --- weights ----------------------------------------------------------------------------------------------------------


def test_the_alignment_with_the_last_layer_by_autograd_and_by_its_closed_form() -> None:
    h_Nh, weight_Ch, y_N = drawn(9, 5), drawn(4, 5, seed=1).requires_grad_(), torch.arange(9) % 4
    rows = [
        torch.autograd.grad(torch.nn.functional.cross_entropy((h @ weight_Ch.T)[None], y[None]), weight_Ch)[0].flatten()
        for h, y in zip(h_Nh, y_N, strict=True)
    ]
    weight = weight_Ch.detach()
    found_N = aligned.alignment(torch.stack(rows), weight.flatten())
    delta_NC = torch.softmax(h_Nh @ weight.T, 1) - torch.nn.functional.one_hot(y_N, 4)
    inner_N = -(h_Nh * (delta_NC @ weight)).sum(1)
    closed_N = inner_N / (h_Nh.norm(dim=1) * delta_NC.norm(dim=1) * weight.norm())
    torch.testing.assert_close(found_N, closed_N, rtol=0, atol=1e-15)


def test_the_alignment_score_and_where_it_says_nothing() -> None:
    gaussian = aligned.summary(0.3 + 0.05 * drawn(100_000))
    assert gaussian.mean == pytest.approx(0.3, abs=1e-3)
    assert gaussian.kurtosis == pytest.approx(0.0, abs=0.05)
    assert gaussian.ratio == pytest.approx(0.3 / 1.2, rel=0.05)
    assert not gaussian.clipped
    two_peaks = aligned.summary(torch.tensor([0.1, 0.5] * 50, dtype=torch.float64))
    assert two_peaks.kurtosis == pytest.approx(-2.0)
    assert two_peaks.clipped
    assert two_peaks.ratio == pytest.approx(0.3 / 0.1)
    assert math.isnan(aligned.summary(torch.full((4,), 0.2)).ratio)


def test_rotation_of_frozen_scaled_reversed_and_redrawn_kernels() -> None:
    problem = build("digits-tanh")
    start_P, _ = problem.params0(0)
    for factor, expected in ((1.0, 0.0), (7.0, 0.0), (-1.0, 2.0)):
        found = rotation.layer_rotation(problem.layout, factor * start_P, start_P)
        assert list(found) == ["0.weight", "2.weight", "4.weight"]
        assert list(found.values()) == pytest.approx([expected] * 3, abs=1e-12)
    redrawn = rotation.layer_rotation(problem.layout, drawn(problem.layout.size), start_P)
    assert all(abs(value - 1) < 0.35 for value in redrawn.values())


def test_singular_values_of_a_random_matrix_lie_between_the_edges() -> None:
    weight = drawn(200, 300) / math.sqrt(300)
    values = singular_values.singular_values(weight)
    low, high = singular_values.edges(tuple(weight.shape), 1 / 300)
    assert low * 0.9 < float(values[-1]) < low * 1.2
    assert high * 0.9 < float(values[0]) < high * 1.05
    planted = weight + 3.0 * torch.outer(drawn(200, seed=1), drawn(300, seed=2)) / math.sqrt(200 * 300)
    assert int((singular_values.singular_values(planted) > 1.1 * high).sum()) == 1


# --- the tangent kernel -----------------------------------------------------------------------------------------------


def test_the_kernel_of_a_linear_net_is_that_of_its_inputs() -> None:
    problem = build("wine-linear")
    moment = Moment(0, *problem.params0(0))
    assert problem.train is not None
    data = Data(problem.train.x[:12], problem.train.y[:12])
    jacobian_NCP = tangent.jacobian(problem, moment, data, chunk=5)
    inputs_NN = data.x @ data.x.T + 1  # the bias
    torch.testing.assert_close(tangent.summed_kernel(jacobian_NCP), 3 * inputs_NN, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(
        tangent.kernel(jacobian_NCP), torch.kron(inputs_NN, torch.eye(3, dtype=torch.float64)), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("piece", [1, 300, 10**6])
def test_a_kernel_in_pieces_is_the_kernel(piece: int) -> None:
    jacobian_NCP = drawn(5, 3, 14)
    found = finish(tangent.kernel_in_pieces(jacobian_NCP, piece))
    rows = jacobian_NCP.flatten(0, 1)
    torch.testing.assert_close(found, rows @ rows.T, rtol=0, atol=1e-12)


def test_the_modes_of_a_linear_regression_decay_at_their_own_rates() -> None:
    x, y, lr, steps = drawn(8, 20), drawn(8, seed=1), 0.1, 50
    values, vectors = torch.linalg.eigh(x @ x.T)
    w = torch.zeros(20, dtype=torch.float64)
    for _ in range(steps):
        w = w - lr * x.T @ (x @ w - y) / 8
    expected = (1 - lr * values / 8) ** steps * (vectors.T @ -y)
    torch.testing.assert_close(vectors.T @ (x @ w - y), expected, rtol=0, atol=1e-12)


def test_alignment_of_kernel_and_targets() -> None:
    target_NC = tangent.one_hot(torch.arange(64) % 4, 4)
    assert tangent.target_alignment(target_NC @ target_NC.T, target_NC) == pytest.approx(1.0)
    one = drawn(64, 1)
    nothing = tangent.target_alignment(torch.eye(64, dtype=torch.float64), one)
    assert nothing == pytest.approx(1 / math.sqrt(63))


# --- several tasks ----------------------------------------------------------------------------------------------------

TWO_TASKS = torch.tensor([[1.0, 0.0], [-0.5, 2.0]], dtype=torch.float64)


def test_surgery_on_two_tasks() -> None:
    step_P = conflict.pcgrad(TWO_TASKS)
    # g₁ − ⟨g₁,g₂⟩/‖g₂‖²·g₂ = (1,0) + ½/4.25·(−½,2), and g₂ + ½·(1,0) = (0,2)
    torch.testing.assert_close(step_P, torch.tensor([1 - 0.25 / 4.25, 1 / 4.25 + 2], dtype=torch.float64))
    agreeing = torch.tensor([[1.0, 0.0], [0.5, 2.0]], dtype=torch.float64)
    torch.testing.assert_close(conflict.pcgrad(agreeing), agreeing.sum(0))
    torch.testing.assert_close(conflict.upgrad(agreeing), agreeing.mean(0))


def test_projections_onto_the_dual_cone() -> None:
    # Each task's projection takes away what opposes the other: the mean of both of PCGrad's parts.
    torch.testing.assert_close(conflict.upgrad(TWO_TASKS), conflict.pcgrad(TWO_TASKS) / 2)
    many = drawn(6, 9)
    step_P = conflict.upgrad(many)
    assert bool((many @ step_P >= -1e-9).all())
    torch.testing.assert_close(conflict.upgrad(3.0 * many), 3.0 * step_P)


def test_conflict_and_magnitude() -> None:
    cosine_TT = coherent.cosines(TWO_TASKS @ TWO_TASKS.T)
    assert conflict.conflicting_share(cosine_TT) == 1.0
    assert math.isnan(conflict.conflicting_share(cosine_TT[:1, :1]))
    g = drawn(5)
    similar = conflict.magnitude_similarity(torch.stack([g, 100 * g]))
    assert float(similar[0, 1]) == pytest.approx(0.02, rel=1e-3)
    assert similar.diagonal().tolist() == pytest.approx([1.0, 1.0])


# --- examples and moments ---------------------------------------------------------------------------------------------


def test_planted_groups_oppose_each_other() -> None:
    # Equal inputs with opposite labels: a step that helps one group hurts the other as much.
    x = drawn(3)
    grad_NP = torch.stack([x, x, -x, -x, 1e-9 * x, 1e-9 * x])
    before, after = torch.zeros(6), torch.tensor([-1.0, -0.9, 1.0, 0.9, 0.0, 0.0])
    found = opposing.opposing(before, after, 2)
    assert found.helped.tolist() == [0, 1]
    assert found.hurt.tolist() == [2, 3]
    assert opposing.group_cosine(grad_NP, found) == pytest.approx(-1.0)
    with pytest.raises(ValueError, match="need 8 examples"):
        opposing.opposing(before, after, 4)


def test_gradient_flow_learns_the_strong_mode_first() -> None:
    # One strong and one weak feature, both enough to tell the classes apart: the weak one starves.
    sign = torch.tensor([1.0, -1.0] * 20, dtype=torch.float64)
    x = torch.stack([2.0 * sign, 0.2 * torch.roll(sign, 0) + 0.1 * drawn(40)], 1)
    found = finish(starvation.modes(x, sign))
    w = torch.zeros(2, dtype=torch.float64)
    for _ in range(200):
        margin = sign * (x @ w)
        w = w + 0.05 * ((sign * torch.sigmoid(-margin)) @ x)
    learnt = starvation.responses(found, sign * (x @ w)).abs()
    assert found.values_K[0] > 5 * found.values_K[1]
    assert learnt[0] > 5 * learnt[1]


def test_modes_are_those_of_the_singular_value_decomposition() -> None:
    """The slow twin; a feature of a millionth of the strongest one's size is still told from rounding."""
    sign = torch.tensor([1.0, -1.0] * 15, dtype=torch.float64)
    slopes_NP = drawn(30, 40) @ torch.diag(torch.logspace(0, -6, 40, dtype=torch.float64))
    left, values, _ = torch.linalg.svd(sign[:, None] * slopes_NP, full_matrices=False)
    found = finish(starvation.modes(slopes_NP, sign))
    torch.testing.assert_close(found.values_K, values, rtol=1e-6, atol=1e-12)
    torch.testing.assert_close((found.left_NK * left).sum(0).abs(), torch.ones(30).double(), rtol=0, atol=1e-6)


def test_it_says_that_it_lives_while_the_modes_are_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    go, eigh = threading.Event(), torch.linalg.eigh

    def slowly(kernel_NN: Tensor) -> tuple[Tensor, Tensor]:
        assert go.wait(60)
        return eigh(kernel_NN)

    monkeypatch.setattr(torch.linalg, "eigh", slowly)
    search = starvation.modes(drawn(6, 4), torch.ones(6, dtype=torch.float64))
    assert any(tick is ALIVE for tick in search)
    go.set()


def test_the_exponent_of_a_quadratic_and_of_a_quartic() -> None:
    w = torch.logspace(-3, 0, 30, dtype=torch.float64)
    half = lojasiewicz.lojasiewicz(3 + w**2, 2 * w, 3.0)  # ‖∇L‖ = 2·(L − L*)^½
    assert half == pytest.approx((0.5, 2.0, 1.0), abs=1e-6)
    quartic = lojasiewicz.lojasiewicz(w**4, 4 * w**3, 0.0)
    assert quartic.exponent == pytest.approx(0.75)
    assert math.isnan(lojasiewicz.lojasiewicz(w[:1], w[:1], 0.0).exponent)
