"""Rules that step one flat vector, against torch.optim on separate tensors, bit for bit."""

import copy

import pytest
import torch
from torch import Tensor

from backend.core.optimizers.registry import build_optimizer
from backend.core.optimizers.surroundings import surround
from backend.core.problems.params import Layout
from backend.schemas.optimizer import AnyOptimizer, OptimizerSpec, SgdOptimizer
from backend.schemas.optimizer.adadelta import AdadeltaOptimizer
from backend.schemas.optimizer.adagrad import AdagradOptimizer
from backend.schemas.optimizer.adam import AdamOptimizer
from backend.schemas.optimizer.adamw import AdamWOptimizer
from backend.schemas.optimizer.nadam import NadamOptimizer
from backend.schemas.optimizer.radam import RadamOptimizer
from backend.schemas.optimizer.rmsprop import RmspropOptimizer
from tests.core.optimizers.solo import Formula, Solo

LAYOUT = Layout((("weight", (3, 4)), ("bias", (3,))))
RULES: dict[str, tuple[AnyOptimizer, object]] = {
    "sgd": (SgdOptimizer(lr=0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
    "momentum": (SgdOptimizer(lr=0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    "nesterov": (
        SgdOptimizer(lr=0.1, momentum=0.8, nesterov=True),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8, nesterov=True),
    ),
    "decay": (SgdOptimizer(lr=0.1, weight_decay=0.3), lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.3)),
    "rmsprop": (RmspropOptimizer(lr=0.01), lambda p: torch.optim.RMSprop(p, lr=0.01)),
    "rmsprop-momentum": (
        RmspropOptimizer(lr=0.01, alpha=0.9, momentum=0.5, weight_decay=0.1, eps=1e-6),
        lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.9, momentum=0.5, weight_decay=0.1, eps=1e-6),
    ),
    "adagrad": (
        AdagradOptimizer(lr=0.05, weight_decay=0.1),
        lambda p: torch.optim.Adagrad(p, lr=0.05, weight_decay=0.1),
    ),
    "adam": (AdamOptimizer(lr=0.01), lambda p: torch.optim.Adam(p, lr=0.01)),
    "amsgrad": (
        AdamOptimizer(lr=0.01, beta1=0.8, beta2=0.95, eps=1e-6, weight_decay=0.2, amsgrad=True),
        lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.2, amsgrad=True),
    ),
    "adadelta": (
        AdadeltaOptimizer(lr=0.5, rho=0.8, weight_decay=0.1),
        lambda p: torch.optim.Adadelta(p, lr=0.5, rho=0.8, weight_decay=0.1),
    ),
    "nadam": (
        NadamOptimizer(lr=0.01, beta1=0.8, weight_decay=0.1, momentum_decay=0.01),
        lambda p: torch.optim.NAdam(p, lr=0.01, betas=(0.8, 0.999), weight_decay=0.1, momentum_decay=0.01),
    ),
    "radam": (
        RadamOptimizer(lr=0.05, beta2=0.9, weight_decay=0.1),
        lambda p: torch.optim.RAdam(p, lr=0.05, betas=(0.9, 0.9), weight_decay=0.1),
    ),
    "adamw": (AdamWOptimizer(lr=0.01, weight_decay=0.1), lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1)),
}
over_rules = pytest.mark.parametrize("name", list(RULES))


def _start() -> Tensor:
    return torch.randn(LAYOUT.size, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def _objective(params_P: Tensor) -> Tensor:
    parts = LAYOUT.unflatten(params_P)
    return ((parts["weight"] @ torch.arange(4.0, dtype=torch.float64) + parts["bias"]).tanh() ** 2).sum()


def _lane(spec: AnyOptimizer, start_P: Tensor) -> Solo:
    return Solo(spec, Formula(_objective, LAYOUT), start_P)


@over_rules
def test_a_flat_vector_moves_as_separate_tensors_do(name: str) -> None:
    spec, make = RULES[name]
    lane = _lane(spec, _start())
    parts = [part.clone().requires_grad_() for part in LAYOUT.unflatten(_start()).values()]
    theirs = make(parts)
    for _ in range(50):
        theirs.zero_grad()
        expected = _objective(torch.cat([part.flatten() for part in parts]))
        expected.backward()
        gradient_P = torch.cat([part.grad.flatten() for part in parts])
        theirs.step()
        loss, grad_P = lane.step()
        assert loss == expected
        assert torch.equal(grad_P, gradient_P)
    assert torch.equal(lane.params_P.detach(), torch.cat([part.detach().flatten() for part in parts]))
    assert not torch.equal(lane.params_P.detach(), _start())


@over_rules
def test_a_rule_goes_on_from_its_state_bit_for_bit(name: str) -> None:
    spec, _ = RULES[name]
    whole = _lane(spec, _start())
    for _ in range(5):
        whole.step()
    second = _lane(spec, whole.params_P.detach())
    second.optimizer.load_state_dict(copy.deepcopy(whole.optimizer.state_dict()))
    for _ in range(5):
        whole.step()
        second.step()
    assert torch.equal(whole.params_P, second.params_P)


@over_rules
def test_a_loaded_state_is_its_own(name: str) -> None:
    spec, _ = RULES[name]
    first = _lane(spec, _start())
    first.step()
    kept = {key: value.clone() for key, value in first.optimizer.state_dict().items()}
    second = _lane(spec, first.params_P.detach())
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    second.step()
    assert all(torch.equal(value, kept[key]) for key, value in first.optimizer.state_dict().items())


@pytest.mark.parametrize("kind", [SgdOptimizer, RmspropOptimizer])
@pytest.mark.parametrize("before", [0.0, 0.5])
def test_momentum_changes_live(kind: type, before: float) -> None:
    lane = _lane(kind(lr=0.01, momentum=before), _start())
    lane.step()
    lane.optimizer.set("momentum", 0.9)
    twin = _lane(kind(lr=0.01, momentum=0.9), lane.params_P.detach())
    twin.optimizer.load_state_dict(
        lane.optimizer.state_dict()
        | ({} if before else {"0.momentum_buffer": torch.zeros(LAYOUT.size, dtype=torch.float64)})
    )
    for _ in range(3):
        lane.step()
        twin.step()
    assert torch.allclose(lane.params_P, twin.params_P, rtol=0, atol=1e-15)


def test_an_unknown_spec_is_named() -> None:
    class Homemade(OptimizerSpec):
        lr: float = 1.0

    with pytest.raises(LookupError, match="Homemade"):
        build_optimizer(Homemade(), surround(Formula(_objective, LAYOUT), torch.zeros(1), torch.zeros(0)))
