"""The fast losses against a plain loop in float64: every way, every policy, ragged blocks; and in any order."""

from collections.abc import Generator, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from torch.func import functional_call

from backend.core.analyses.base import Moment, Tick
from backend.core.geometry.evaluate import Evaluator, Sample, Span, finish, sample, tuning
from backend.core.geometry.evaluate.blocks import Blocks
from backend.core.geometry.evaluate.plan import CALLS, Plan, candidates, pinned, work_of
from backend.core.geometry.fit import fit_plane
from backend.core.problems.problem import BatchNormPolicy, Problem
from backend.schemas.analysis import RandomPlane
from tests.cases import CNNS, NETWORKS, PROBLEMS, build, over
from tests.oracles import loss_of, module_of

POINTS = [(a, b) for a in (-1.0, -0.3, 0.4, 1.0) for b in (-0.9, 0.0, 0.7)]
BATCH_NORMED = [name for name, spec in NETWORKS.items() if getattr(spec.model, "norm", None) == "batch"]
POLICIES: tuple[BatchNormPolicy, ...] = ("frozen", "batch", "reestimated")
CASES = [
    (name, policy)
    for name in PROBLEMS
    if name != "sine-linear"  # which has one weight, and no plane
    for policy in (POLICIES if name in BATCH_NORMED else POLICIES[:1])
]
# The plain loop in one block, in ragged ones, and many points under one vmap, the last of them fewer.
WAYS = [Plan(1000), Plan(7), Plan(16, 5)]


def span_of(problem: Problem) -> Span:
    plane = fit_plane(RandomPlane(), problem, Moment(0, *problem.params0(0)), (), 0)
    assert plane is not None
    return plane.span


def slow(where: Sample, span: Span) -> NDArray[np.float64]:
    """The loss at every point, one by one, in float64."""
    wide = span.to(torch.float64)
    u_P, v_P = wide.directions
    losses = [
        where.problem.loss(wide.origin_P + a * u_P + b * v_P, wide.buffers_B, where.data, where.batchnorm)
        for a, b in POINTS
    ]
    return np.array([loss.item() for loss in losses])


def fast(where: Sample, span: Span, plan: Plan | None = None) -> NDArray[np.float64]:
    evaluator = Evaluator(where, span)
    if plan is not None:
        evaluator._plan = plan  # as timing would choose it
    return finish(evaluator.losses(POINTS)).loss_K


def ways(where: Sample) -> Iterator[Plan | None]:
    yield None
    if where.problem.model is not None and not where.mixed:
        yield from WAYS


@pytest.mark.parametrize(("name", "policy"), CASES)
@pytest.mark.parametrize(("dtype", "slack"), [(torch.float64, 1e-9), (torch.float32, 1e-5)])
def test_every_way_gives_the_loss_of_a_plain_loop(
    name: str, policy: BatchNormPolicy, dtype: torch.dtype, slack: float
) -> None:
    problem, exact = build(name, dtype), build(name)
    span = span_of(problem)
    before = [tensor.clone() for tensor in (span.origin_P, span.buffers_B, *span.directions)]
    for fraction in (1.0, 0.4):
        where = sample(problem, fraction, policy)
        wanted = slow(sample(exact, fraction, policy), span)
        for plan in ways(where):
            found = fast(where, span, plan)
            # In ten dimensions the residual's loss, nearly the mean of f², is 10⁵ times larger than its range here, and
            # single precision keeps digits of the loss, in a plain loop too.
            flat = name == "galerkin-10d" and dtype == torch.float32
            scale = np.abs(wanted).max() if flat else np.ptp(wanted)
            assert np.abs(found - wanted).max() <= slack * scale, plan
    after = (span.origin_P, span.buffers_B, *span.directions)
    assert all(torch.equal(was, now) for was, now in zip(before, after, strict=True))


def test_the_cases_are_networks_enough_and_every_policy() -> None:
    assert len(NETWORKS) >= 20
    assert {"cnn-batch", "cnn-batch-mse", "resnet-batch"} == set(BATCH_NORMED)
    assert {name for name, policy in CASES if policy == "reestimated"} == set(BATCH_NORMED)


def by_modules(name: str, problem: Problem, span: Span, policy: BatchNormPolicy) -> NDArray[np.float64]:
    """The loss at every point by ``functional_call`` on torch's own modules, in float64, one point after another."""
    spec, data = NETWORKS[name], problem.train
    assert data is not None
    wide = span.to(torch.float64)
    u_P, v_P = wide.directions
    module = module_of(spec, problem, wide.origin_P, wide.buffers_B).train(policy != "frozen")
    losses = []
    for a, b in POINTS:
        tensors = problem.layout.unflatten(wide.origin_P + a * u_P + b * v_P)
        running = problem.buffer_layout.unflatten(wide.buffers_B.clone()) if policy == "frozen" else {}
        if policy == "reestimated":  # the mean and unbiased variance of all examples, then as in evaluation
            for layer in module.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.momentum = 1.0
            module.train()
            functional_call(module, tensors, (data.x,))
            module.eval()
        losses.append(loss_of(spec, functional_call(module, {**tensors, **running}, (data.x,)), data.y).item())
    return np.array(losses)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "sine-linear"])
@pytest.mark.parametrize(("dtype", "slack"), [(torch.float64, 1e-9), (torch.float32, 1e-5)])
def test_it_is_the_loss_of_torch_s_own_modules(name: str, dtype: torch.dtype, slack: float) -> None:
    problem, exact = build(name, dtype), build(name)
    span = span_of(problem)
    for policy in POLICIES if name in BATCH_NORMED else POLICIES[:1]:
        wanted, where = by_modules(name, exact, span, policy), sample(problem, 1.0, policy)
        for plan in ways(where):
            assert np.abs(fast(where, span, plan) - wanted).max() <= slack * np.ptp(wanted), (policy, plan)


@over(CNNS)
def test_a_first_layer_too_large_for_memory_is_not_kept(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = build(name)
    span = span_of(problem)
    for policy in POLICIES:
        where = sample(problem, 1.0, policy)
        wanted = slow(where, span)
        with monkeypatch.context() as patch:
            patch.setattr("backend.core.geometry.evaluate.blocks.KEPT", 0)
            patch.setattr("backend.core.geometry.evaluate.evaluator.LARGEST", 0)
            np.testing.assert_allclose(fast(where, span), wanted, rtol=1e-12)


@over(NETWORKS)
def test_without_timing_a_point_s_loss_hangs_on_nothing_else(name: str) -> None:
    problem = build(name, torch.float32)
    if name == "sine-linear":
        span = Span(*problem.params0(0), (problem.params0(1)[0], problem.params0(2)[0]))
    else:
        span = span_of(problem)
    where = sample(problem)
    once = fast(where, span)
    evaluator = Evaluator(where, span)
    backwards = [finish(evaluator.losses([point])).loss_K[0] for point in reversed(POINTS)]
    assert backwards[::-1] == once.tolist()


@over(NETWORKS)
def test_parts_of_the_examples_add_up(name: str) -> None:
    problem = build(name)
    assert problem.train is not None
    where, total = sample(problem), len(problem.train)
    span = Span(*problem.params0(0), (problem.params0(1)[0],))
    evaluator = Evaluator(where, span)
    points = [(0.1 * k,) for k in range(4)]
    whole = finish(evaluator.tally(points))
    first, rest = finish(evaluator.tally(points, 0, 7)), finish(evaluator.tally(points, 7))
    both = first.merged(rest)
    assert (first.count, rest.count, both.count) == (7, total - 7, total)
    np.testing.assert_allclose(both.mean_K, whole.mean_K, rtol=1e-13)
    np.testing.assert_allclose(both.squares_K, whole.squares_K, rtol=1e-10, atol=1e-20)


def test_examples_that_share_statistics_have_no_parts() -> None:
    problem = build("cnn-batch")
    evaluator = Evaluator(sample(problem, 1.0, "batch"), span_of(problem))
    assert not evaluator.additive
    with pytest.raises(ValueError, match="share statistics; got 0:7"):
        finish(evaluator.tally(POINTS, 0, 7))


@pytest.mark.parametrize("name", ["digits-tanh", "cnn-group", "moons-relu-kaiming", "himmelblau"])
def test_timing_chooses_among_the_ways_and_is_remembered(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = build(name)
    where, span = sample(problem), span_of(problem)
    known: dict[object, Plan] = {}
    monkeypatch.setattr(tuning, "_known", known)
    found = finish(Evaluator(where, span, tune=True).losses(POINTS)).loss_K
    np.testing.assert_allclose(found, slow(where, span), rtol=1e-12)
    assert len(known) == (0 if problem.model is None else 1)
    kept = dict(known)
    finish(Evaluator(where, span, tune=True).losses(POINTS))
    assert known == kept


@pytest.mark.parametrize(("slower", "block"), [(1.0, 4096), (1.1, 2048), (3.0, 1024)])
def test_of_nearly_as_quick_ways_the_largest_blocks_win(
    slower: float, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = sample(build("digits-tanh"))
    work = replace(work_of(where, (128,), torch.float32, "float32"), examples=4096)
    seconds = {256: 2.0, 512: 1.3, 1024: 1.0, 2048: 1.0 if slower < 3 else slower, 4096: slower * 1.1}

    def timed(_: object, plan: Plan, *__: object) -> Generator[Tick, None, float]:
        yield Tick(0.0)
        return seconds[plan.block]

    monkeypatch.setattr(tuning, "_known", {})
    monkeypatch.setattr(tuning, "_timed", timed)
    blocks = Evaluator(where, span_of(where.problem))._blocks
    assert blocks is not None
    assert finish(tuning.tuned(work, blocks, (0.0, 0.0))) == Plan(block)


def test_without_timing_the_way_hangs_on_the_problem_alone() -> None:
    problem = build("digits-tanh")
    where = sample(problem)
    work = work_of(where, (8,), problem.dtype, "float64")
    assert pinned(work) == pinned(work_of(sample(build("digits-tanh")), (8,), problem.dtype, "float64"))
    assert next(candidates(work)) == pinned(work)
    assert {plan.block for plan in candidates(work)} == {60}  # all of so few examples fit into the cache


def test_batch_statistics_need_all_examples_at_once() -> None:
    work = work_of(sample(build("cnn-batch"), 1.0, "batch"), (3, 8, 8), torch.float64, "float64")
    assert list(candidates(work)) == [Plan(40)]


@pytest.mark.parametrize("name", ["digits-tanh", "cnn-batch", "himmelblau"])
def test_the_pieces_of_the_ticks_add_up(name: str) -> None:
    problem = build(name)
    evaluator = Evaluator(sample(problem), span_of(problem))
    ticks = list(evaluator.losses(POINTS))
    assert all(isinstance(tick, Tick) for tick in ticks)
    assert sum(tick.pieces for tick in ticks) == pytest.approx(len(POINTS))


def test_asked_for_in_float64_a_float32_problem_is_evaluated_so() -> None:
    problem, exact = build("digits-tanh", torch.float32), build("digits-tanh")
    span = span_of(problem)
    wanted = slow(sample(exact), span)  # digits are whole sixteenths, so the data are the same
    evaluator = Evaluator(sample(problem), span, arithmetic="float64")
    assert evaluator.format == "float64"
    np.testing.assert_allclose(finish(evaluator.losses(POINTS)).loss_K, wanted, rtol=1e-12)


def test_the_first_layer_is_applied_once_for_each_direction(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = build("digits-tanh")
    model = problem.model
    assert model is not None
    calls: list[int] = []
    first = model.first
    monkeypatch.setattr(model, "first", lambda params, x: calls.append(len(x)) or first(params, x))
    evaluator = Evaluator(sample(problem), span_of(problem))
    finish(evaluator.losses(POINTS))
    finish(evaluator.losses(POINTS))
    assert calls == [1, 60, 60, 60]  # one example for its shape, then the origin and two directions


@pytest.mark.parametrize("name", ["digits-tanh", "digits-mse", "moons-relu-kaiming", "cnn-group"])
@pytest.mark.parametrize("directions", [0, 1, 3])
def test_any_number_of_directions(name: str, directions: int) -> None:
    problem = build(name)
    params_P, buffers_B = problem.params0(0)
    along = tuple(0.1 * problem.params0(1 + place)[0] for place in range(directions))
    points = [tuple(coefficients) for coefficients in np.random.default_rng(0).normal(size=(7, directions))]
    points += [(*point[:-1], 0.5) for point in points if point]  # the rows again, at another place
    wanted = [
        problem.loss(sum((c * d_P for c, d_P in zip(point, along, strict=True)), params_P), buffers_B).item()
        for point in points
    ]
    for plan in (Plan(1000), Plan(7)):
        evaluator = Evaluator(sample(problem), Span(params_P, buffers_B, along))
        evaluator._plan = plan
        np.testing.assert_allclose(finish(evaluator.losses(points)).loss_K, wanted, rtol=1e-12)


@pytest.mark.parametrize("name", ["digits-tanh", "cnn-group"])
@pytest.mark.parametrize("piece", [1, 400_000, 1 << 40])
def test_how_the_work_is_cut_and_shared_out_changes_no_bit(
    name: str, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = build(name, torch.float32)
    where, span = sample(problem), span_of(problem)
    points = [(0.1 * a, 0.07 * b) for a in range(9) for b in range(11)]

    # Each hand computes with one core, so that no bit hangs on torch's threads here.
    def losses(hands: int) -> NDArray[np.float64]:
        evaluator = Evaluator(where, span)
        evaluator._plan, evaluator._hands = Plan(16), hands
        return finish(evaluator.losses(points)).loss_K

    whole = losses(2)
    monkeypatch.setattr("backend.core.geometry.evaluate.plan.PIECE", piece)
    assert all(np.array_equal(losses(hands), whole) for hands in (2, 3))


def test_pieces_take_every_point_in_order_and_the_last_ones_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = build("digits-tanh")
    evaluator = Evaluator(sample(problem), span_of(problem))
    blocks = evaluator._blocks
    assert blocks is not None
    evaluator._hands, plan = 2, Plan(16)
    points = [(float(place), 0.0) for place in range(200)]
    monkeypatch.setattr("backend.core.geometry.evaluate.plan.PIECE", 32 * (plan.block * blocks.products + CALLS))
    for last, sizes in ((False, [32] * 6 + [8]), (True, [32, 32, 32, 26, 20, 15, 11, 8, 6, 5, 4, 4, 4, 1])):
        runs = evaluator._runs(blocks, plan, points, last)
        assert [point for run in runs for point in run] == points
        assert [len(run) for run in runs] == sizes


def test_losses_that_are_not_finite_stay_so() -> None:
    problem = build("digits-mse")
    params_P, buffers_B = problem.params0(0)
    far = Span(params_P, buffers_B, (torch.full_like(params_P, 1e200),))
    for plan in WAYS:
        evaluator = Evaluator(sample(problem), far)
        evaluator._plan = plan
        loss_K = finish(evaluator.losses([(0.0,), (1.0,), (float("nan"),)])).loss_K
        assert np.isfinite(loss_K[0])
        assert np.isinf(loss_K[1])
        assert np.isnan(loss_K[2])


def test_the_blocks_of_one_example() -> None:
    problem = build("blobs-tanh")
    assert problem.train is not None
    assert problem.model is not None
    blocks = Blocks(sample(problem), problem.model, problem.train, span_of(problem), "own")
    assert blocks.shape == (4,)
    assert blocks.open(3, 4).losses([(0.1, 0.2)]).shape == (1, 1)


@pytest.mark.parametrize(("name", "failures"), [(next(iter(NETWORKS)), 1), (next(iter(NETWORKS)), 2)])
def test_memory_that_is_not_enough_is_tried_once_with_half(
    name: str, failures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = sample(build(name), 1.0)
    span, plans, right = span_of(where.problem), [], Evaluator._blocked

    def poor(self: Evaluator, blocks: Blocks, plan: Plan, *more: object) -> object:
        plans.append(plan)
        if len(plans) <= failures:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return right(self, blocks, plan, *more)  # type: ignore[arg-type]

    expected = slow(where, span)
    monkeypatch.setattr(Evaluator, "_blocked", poor)
    if failures == 2:
        with pytest.raises(RuntimeError, match="out of memory"):
            fast(where, span)
    else:
        np.testing.assert_allclose(fast(where, span), expected, rtol=1e-6)
    assert plans == [plans[0], plans[0].smaller(whole=False)]
