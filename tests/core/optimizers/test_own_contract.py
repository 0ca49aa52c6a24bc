"""What holds for each of our own rules: it trains a small net as it comes, goes on bit for bit, shares nothing."""

import pytest
import torch

from backend.core.optimizers.registry import rule_of
from backend.schemas.optimizer import (
    AegdOptimizer,
    CboOptimizer,
    EntropySgdOptimizer,
    ForwardGradientOptimizer,
    InducedMetricOptimizer,
    NaturalGradientOptimizer,
    NewtonOptimizer,
    OasisOptimizer,
    OptimisticAmsgradOptimizer,
    SaddleFreeNewtonOptimizer,
    VrgdOptimizer,
    XGradOptimizer,
)
from backend.schemas.optimizer.base import OptimizerSpec
from tests.cases import build
from tests.core.optimizers.solo import Solo

# As they come, and in every form that has a memory of its own.
SPECS: dict[str, OptimizerSpec] = {
    "xgrad": XGradOptimizer(),
    "xgrad-adam": XGradOptimizer(base="adam", lr=0.001),
    "induced_metric": InducedMetricOptimizer(),
    "induced_metric-log": InducedMetricOptimizer(variant="log", weight_decay=0.01),
    "induced_metric-rms": InducedMetricOptimizer(variant="rms", lr=0.01),
    "aegd": AegdOptimizer(),
    "optimistic_amsgrad": OptimisticAmsgradOptimizer(),
    "optimistic_amsgrad-line": OptimisticAmsgradOptimizer(guess="line"),
    "vrgd": VrgdOptimizer(),
    "vrgd-adam": VrgdOptimizer(base="adam", lr=0.001),
    "entropy_sgd": EntropySgdOptimizer(),
    "entropy_sgd-scoping": EntropySgdOptimizer(scoping=0.1, inner_steps=3),
    "newton": NewtonOptimizer(),
    "newton-lazy": NewtonOptimizer(every=3),
    "saddle_free_newton": SaddleFreeNewtonOptimizer(),
    "saddle_free_newton-dense": SaddleFreeNewtonOptimizer(method="dense"),
    "natural_gradient": NaturalGradientOptimizer(),
    "natural_gradient-empirical": NaturalGradientOptimizer(fisher="empirical"),
    "oasis": OasisOptimizer(),
    "oasis-fixed": OasisOptimizer(adaptive=False),
    "forward_gradient": ForwardGradientOptimizer(),
    "cbo": CboOptimizer(),
    "cbo-isotropic": CboOptimizer(noise="isotropic", particles=10, spread=0.1),
}
CASE = "moons-relu-kaiming"
over_specs = pytest.mark.parametrize("name", list(SPECS))


def lane(spec: OptimizerSpec, seed: int = 0) -> Solo:
    return Solo(spec, build(CASE), seed=seed)  # type: ignore[arg-type]


@over_specs
def test_it_trains_a_small_net_as_it_comes(name: str) -> None:
    solo = lane(SPECS[name])
    first = solo.step()[0]
    solo.walk(40)
    last = solo.around.objective.loss()
    assert bool(torch.isfinite(solo.at).all())
    assert last < first, (float(first), float(last))


@over_specs
def test_it_goes_on_from_a_checkpoint_bit_for_bit(name: str) -> None:
    whole = lane(SPECS[name])
    whole.walk(4)
    second = lane(SPECS[name], seed=7)
    second.load(whole.state())
    assert torch.equal(whole.walk(4), second.walk(4))


@over_specs
def test_what_was_loaded_is_its_own(name: str) -> None:
    first = lane(SPECS[name])
    first.walk(2)
    kept = first.state()["rule"]
    second = lane(SPECS[name])
    second.load({**first.state(), "rule": first.optimizer.state_dict()})
    second.walk(2)
    now = first.optimizer.state_dict()
    assert kept.keys() == now.keys()
    assert all(torch.equal(value, now[key]) for key, value in kept.items())


@over_specs
def test_a_changed_learning_rate_takes_effect_on_the_next_step(name: str) -> None:
    changed, same = lane(SPECS[name]), lane(SPECS[name])
    for each in (changed, same):
        each.walk(2)
    changed.optimizer.set("lr", SPECS[name].lr * 0.5)
    for each in (changed, same):
        each.walk(1)
    if name.startswith("cbo"):  # the consensus is of where the particles stood
        assert not torch.equal(changed.state()["rule"]["particles"], same.state()["rule"]["particles"])
    else:
        assert not torch.equal(changed.at, same.at)


@over_specs
def test_its_cost_is_what_its_spec_says(name: str) -> None:
    spec = SPECS[name]
    if spec != type(spec)() or spec.kind in ("newton", "natural_gradient"):  # type: ignore[attr-defined]
        return  # these depend on the numbers of parameters and outputs
    solo = lane(spec)
    solo.step()
    before = solo.evaluations
    solo.step()
    assert solo.evaluations - before == pytest.approx(type(spec).gradients, rel=0.02)


@pytest.mark.parametrize("name", ["vrgd", "natural_gradient"])
def test_what_needs_data_says_so_on_a_function(name: str) -> None:
    sentence = rule_of(SPECS[name]).unsupported(SPECS[name], build("rosenbrock"))
    assert sentence is not None
    assert "a function" in sentence
    assert "; take " in sentence
