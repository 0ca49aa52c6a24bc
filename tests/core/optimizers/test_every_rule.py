"""What every rule of the registry must do; a rule joins by being listed there, with a line in ``bowls.py``."""

import pytest
import torch
from torch import Tensor

from backend.core.optimizers.registry import OPTIMIZERS, Rule
from backend.core.optimizers.schedules import factor
from backend.core.problems.problem import Data, Problem
from backend.schemas.optimizer import OPTIMIZER_KINDS
from tests.cases import build
from tests.core.optimizers.bowls import BOWLS, problem_of
from tests.core.optimizers.solo import Solo

KINDS = [rule.spec.model_fields["kind"].default for rule in OPTIMIZERS]
over_rules = pytest.mark.parametrize("rule", OPTIMIZERS, ids=KINDS)
NET = "chebyshev-half-mse"  # 12 points, 74 parameters
LOOKS_AHEAD = ("xgrad",)  # evaluates at the predicted point alone, and says so


def _loss(solo: Solo) -> float:
    problem, data = solo.around.objective.problem, solo.around.objective.problem.train
    return problem.evaluate(solo.at, solo.around.objective.buffers_B, data or Data(solo.at, solo.at))[0]


def _part(problem: Problem, size: int, step: int) -> tuple[Tensor, Tensor]:
    assert problem.train is not None
    first = step * size % len(problem.train)
    return problem.train.x[first : first + size], problem.train.y[first : first + size]


def _on_net(rule: Rule, seed: int = 0, name: str = NET, size: int = 4) -> Solo:
    problem = build(name)
    return Solo(rule.spec(), problem, batch=lambda step: _part(problem, size, step), seed=seed)


def _differ(first: Solo, second: Solo) -> bool:
    """Whether parameters or memory differ: a cloud moves at one step, its consensus, the parameters, at the next."""
    now, then = first.state(), second.state()
    remembered = any(not torch.equal(value, then["rule"][name]) for name, value in now["rule"].items())
    return remembered or not torch.equal(now["params"], then["params"])


def test_the_registry_builds_every_spec_and_every_rule_has_its_bowl() -> None:
    assert [rule.spec for rule in OPTIMIZERS] == list(OPTIMIZER_KINDS)
    assert set(BOWLS) == set(KINDS)


@over_rules
def test_a_convex_quadratic_is_solved_within_its_budget(rule: Rule) -> None:
    bowl = BOWLS[rule.spec.model_fields["kind"].default]
    problem, lowest = problem_of(bowl)
    spec = rule.spec(**bowl.settings)
    solo = Solo(spec, problem)
    before = _loss(solo)
    for step in range(bowl.steps):
        solo.optimizer.set("lr", spec.lr * factor(bowl.schedule, step, bowl.steps))
        solo.step()
    assert before - lowest > 0.01
    assert _loss(solo) - lowest <= 1e-6


@over_rules
def test_the_defaults_train_a_small_net(rule: Rule) -> None:
    problem = build("digits-tanh", torch.float32)
    solo = Solo(rule.spec(), problem, batch=lambda step: _part(problem, 20, step), seed=2)
    if rule.spec.family == "Without gradients":
        solo.step()  # a cloud begins around the initial point, not at it
    before = _loss(solo)
    for _ in range(60):
        loss, _ = solo.step()
        assert bool(loss.isfinite())
    assert bool(solo.at.isfinite().all())
    assert _loss(solo) < before


@over_rules
def test_a_rule_goes_on_from_its_state_bit_for_bit(rule: Rule) -> None:
    whole, second = _on_net(rule), _on_net(rule)
    for _ in range(12):
        whole.step()
    kept = whole.state()
    assert all(isinstance(value, Tensor) for value in kept["rule"].values())
    ahead = whole.walk(12)
    second.load(kept)
    assert torch.equal(second.walk(12), ahead)
    assert not torch.equal(ahead[0], ahead[-1])


@over_rules
def test_a_changed_learning_rate_takes_effect_on_the_next_step(rule: Rule) -> None:
    lane, same, other = (_on_net(rule) for _ in range(3))
    for each in (lane, same, other):
        each.walk(4)
    other.optimizer.set("lr", 0.5 * rule.spec().lr)
    for each in (lane, same, other):
        each.step()
    assert not _differ(lane, same)
    assert _differ(lane, other)


@over_rules
def test_every_live_field_can_be_changed(rule: Rule) -> None:
    assert "lr" in rule.spec.live
    for field in rule.spec.live:
        lane, other = _on_net(rule), _on_net(rule)
        for each in (lane, other):
            each.walk(2)
        other.optimizer.set(field, 0.37)
        for each in (lane, other):
            each.walk(2)
        assert _differ(lane, other), field


@over_rules
def test_two_lanes_share_nothing(rule: Rule) -> None:
    alone = _on_net(rule).walk(6)
    lane, other = _on_net(rule), _on_net(rule, seed=9)
    kept = []
    for _ in range(6):
        other.step()
        kept.append(other.state())
        lane.step()
        assert all(torch.equal(value, other.state()["rule"][name]) for name, value in kept[-1]["rule"].items())
    assert torch.equal(lane.at, alone[-1])


@over_rules
def test_a_loaded_state_is_its_own(rule: Rule) -> None:
    first, second = _on_net(rule), _on_net(rule)
    first.walk(3)
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    kept = first.state()["rule"]
    second.walk(3)
    assert all(torch.equal(value, kept[name]) for name, value in first.optimizer.state_dict().items())


@over_rules
def test_a_step_tells_the_loss_and_the_gradient_before_the_move(rule: Rule) -> None:
    solo, plain = _on_net(rule), _on_net(rule)
    solo.walk(3)
    with torch.no_grad():
        plain.params_P.copy_(solo.at)
    plain.around.objective.begin(_part(build(NET), 4, 4))
    expected, gradient_P = plain.around.objective.loss_and_grad()
    spent = solo.evaluations
    loss, grad_P = solo.step()
    assert grad_P.shape == gradient_P.shape
    if rule.spec.model_fields["kind"].default not in LOOKS_AHEAD:
        assert torch.allclose(loss, expected, rtol=1e-12)
    if rule.spec.filtered and rule.spec.model_fields["kind"].default not in LOOKS_AHEAD:
        assert torch.allclose(grad_P, gradient_P, rtol=1e-10, atol=1e-14)
    assert solo.evaluations > spent


@over_rules
@pytest.mark.parametrize("name", ["rosenbrock", NET, "cnn-batch"])
def test_a_rule_runs_or_says_why_it_does_not(rule: Rule, name: str) -> None:
    spec, problem = rule.spec(), build(name)
    sentence = rule.unsupported(spec, problem)
    if sentence is None:
        assert Solo(spec, problem).walk(2).shape == (3, problem.layout.size)  # it may diverge at its defaults
    else:
        assert sentence.endswith(".")
        assert name != NET
