"""Rules of pytorch_optimizer, and those on shapes, against the library itself on separate tensors, step for step."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import pytorch_optimizer as po
import torch
from torch import Tensor

from backend.core.optimizers.matrices import drawn_from
from backend.core.optimizers.packed_state import pack, unpack
from backend.core.problems.params import Layout
from backend.core.runtime.seeding import generator
from backend.schemas.optimizer import (
    AdamOptimizer,
    AdEMAMixOptimizer,
    AnyOptimizer,
    DiffGradOptimizer,
    GravityOptimizer,
    LaPropOptimizer,
    LbfgsOptimizer,
    LionOptimizer,
    MuonOptimizer,
    PsgdOptimizer,
    SamOptimizer,
    SoapOptimizer,
)
from benchmarks.studies.periodic_game import RESULT, play
from tests.cases import build
from tests.core.optimizers.solo import Formula, Solo

LAYOUT = Layout((("weight", (3, 4)), ("bias", (3,)), ("kernel", (2, 3, 2, 2))))
Make = Callable[[list[Tensor]], torch.optim.Optimizer]


def _start() -> Tensor:
    return torch.randn(LAYOUT.size, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def _objective(params_P: Tensor) -> Tensor:
    weight, bias, kernel = LAYOUT.parts(params_P)
    out = weight @ torch.arange(4.0, dtype=torch.float64) + bias
    return (out.tanh() ** 2).sum() + 0.02 * ((kernel.sum((2, 3)) @ bias) - 1).square().sum()


def _gravity(parts: list[Tensor]) -> torch.optim.Optimizer:
    inner, stream = po.Gravity(parts, lr=0.1, alpha=0.02, beta=0.8, foreach=False), generator(0, "optimizer", "solo")
    for part in parts:
        inner.state[part]["v"] = torch.randn(part.shape, generator=stream, dtype=torch.float64) * 0.2
    return inner


RULES: dict[str, tuple[AnyOptimizer, Make]] = {
    "lion": (
        LionOptimizer(lr=0.01, beta1=0.8, weight_decay=0.1),
        lambda p: po.Lion(p, lr=0.01, betas=(0.8, 0.99), weight_decay=0.1),
    ),
    "diffgrad": (
        DiffGradOptimizer(lr=0.02, beta2=0.9, weight_decay=0.1),
        lambda p: po.DiffGrad(p, lr=0.02, betas=(0.9, 0.9), weight_decay=0.1),
    ),
    "laprop": (
        LaPropOptimizer(lr=0.01, beta1=0.7, weight_decay=0.1),
        lambda p: po.LaProp(p, lr=0.01, betas=(0.7, 0.999), weight_decay=0.1, foreach=False),
    ),
    "laprop-centred": (
        LaPropOptimizer(lr=0.01, centered=True),
        lambda p: po.LaProp(p, lr=0.01, centered=True, foreach=False),
    ),
    "ademamix": (
        AdEMAMixOptimizer(lr=0.01, beta3=0.99, alpha=2.0, warmup=20, weight_decay=0.1),
        lambda p: po.AdEMAMix(p, lr=0.01, betas=(0.9, 0.999, 0.99), alpha=2.0, t_alpha_beta3=20.0, weight_decay=0.1),
    ),
    "gravity": (GravityOptimizer(lr=0.1, alpha=0.02, beta=0.8), _gravity),
    "soap": (
        SoapOptimizer(lr=0.01, every=3, weight_decay=0.1),
        lambda p: po.SOAP(p, lr=0.01, precondition_frequency=3, weight_decay=0.1),
    ),
}


class _Parts:
    """Separate tensors, moved by the library."""

    def __init__(self, make: Make) -> None:
        self.parts = [part.clone().requires_grad_() for part in LAYOUT.parts(_start())]
        self.inner = make(self.parts)

    def backward(self) -> Tensor:
        self.inner.zero_grad()
        loss = _objective(self.flat())
        loss.backward()
        return loss

    def flat(self) -> Tensor:
        return torch.cat([part.flatten() for part in self.parts])


def _solo(spec: AnyOptimizer) -> Solo:
    return Solo(spec, Formula(_objective, LAYOUT), _start())


@pytest.mark.parametrize("name", list(RULES))
def test_a_rule_moves_as_its_library_does(name: str) -> None:
    spec, make = RULES[name]
    solo, theirs = _solo(spec), _Parts(make)
    for _ in range(50):
        theirs.backward()
        theirs.inner.step()
        solo.step()
        assert torch.allclose(solo.at, theirs.flat().detach(), rtol=0, atol=1e-10)
    assert not torch.allclose(solo.at, _start(), rtol=0, atol=1e-3)


@pytest.mark.parametrize("adaptive", [False, True])
def test_sam_moves_as_its_library_does(adaptive: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def squared_norm(groups: Any, weight_adaptive: bool) -> Tensor:  # the library's own is in single precision
        scaled = [p.grad * (p.abs() if group["adaptive"] else 1) for group in groups for p in group["params"]]
        return torch.cat([each.flatten() for each in scaled]).square().sum().reshape(1)

    monkeypatch.setattr("pytorch_optimizer.optimizer.sam.get_global_gradient_norm", squared_norm)
    spec = SamOptimizer(lr=0.01, rho=0.05, adaptive=adaptive, momentum=0.5, weight_decay=0.01)
    settings: dict[str, Any] = {"lr": 0.01, "momentum": 0.5, "weight_decay": 0.01, "rho": 0.05, "adaptive": adaptive}
    solo, theirs = _solo(spec), _Parts(lambda p: po.SAM(p, torch.optim.SGD, **settings))
    for _ in range(50):
        theirs.backward()
        theirs.inner.step(theirs.backward)  # type: ignore[arg-type]
        solo.step()
        assert torch.allclose(solo.at, theirs.flat().detach(), rtol=0, atol=1e-10)
    assert solo.evaluations == 100


def test_sam_with_no_radius_is_sgd() -> None:
    solo = _solo(SamOptimizer(lr=0.01, rho=0.0, momentum=0.9))
    twin = _Parts(lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9))
    for _ in range(20):
        twin.backward()
        twin.inner.step()
    assert torch.allclose(solo.walk(20)[-1], twin.flat().detach(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("search", [False, True])
def test_lbfgs_moves_as_torchs_does(search: bool) -> None:
    spec = LbfgsOptimizer(lr=0.3, history=4, line_search=search, max_evaluations=10)
    options: dict[str, Any] = {"max_iter": 1, "max_eval": 10, "tolerance_grad": 0.0, "tolerance_change": 0.0}
    options |= {"history_size": 4, "line_search_fn": "strong_wolfe" if search else None, "lr": 0.3}
    solo, theirs = _solo(spec), _Parts(lambda p: torch.optim.LBFGS(p, **options))
    calls = [0]

    def closure() -> Tensor:
        calls[0] += 1
        return theirs.backward()

    for _ in range(50):
        theirs.inner.step(closure)  # type: ignore[arg-type]
        solo.step()
        assert torch.allclose(solo.at, theirs.flat().detach(), rtol=0, atol=1e-10)
    assert solo.evaluations == calls[0] >= 50


def test_muon_is_torchs_muon_on_matrices_and_adamw_on_the_rest() -> None:
    solo = _solo(MuonOptimizer(lr=0.02, momentum=0.9, share=0.5, weight_decay=0.1, beta2=0.9))
    weight, bias, kernel = (part.clone().requires_grad_() for part in LAYOUT.parts(_start()))
    flat_kernel = kernel.detach().flatten(1)  # a view: what Muon does to it, it does to the kernel
    muon = torch.optim.Muon([weight, flat_kernel], lr=0.02, momentum=0.9, weight_decay=0.1)
    adamw = torch.optim.AdamW([bias], lr=0.01, betas=(0.9, 0.9), weight_decay=0.1)
    for _ in range(50):
        for part in (weight, bias, kernel):
            part.grad = None
        _objective(torch.cat([weight.flatten(), bias, kernel.flatten()])).backward()
        flat_kernel.grad = kernel.grad.flatten(1)
        muon.step()
        adamw.step()
        solo.step()
        expected = torch.cat([weight.flatten(), bias, kernel.flatten()]).detach()
        assert torch.allclose(solo.at, expected, rtol=0, atol=1e-10)


def test_psgd_moves_as_its_library_does_and_leaves_the_global_streams_alone() -> None:
    solo = _solo(PsgdOptimizer(lr=0.02, update_share=0.5, weight_decay=0.1))
    theirs = _Parts(
        lambda p: po.Kron(
            p, lr=0.02, weight_decay=0.1, pre_conditioner_update_probability=0.5, precondition_dtype=torch.float64,
            max_size_triangular=2048,
        )
    )  # fmt: skip
    stream = generator(0, "optimizer", "solo")
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    for _ in range(50):
        theirs.backward()
        with drawn_from(stream):
            theirs.inner.step()
        solo.step()
        assert torch.allclose(solo.at, theirs.flat().detach(), rtol=0, atol=1e-10)
    assert torch.equal(before, torch.random.get_rng_state())


def test_muon_needs_a_matrix() -> None:
    from backend.core.optimizers.registry import rule_of

    for spec in (MuonOptimizer(), PsgdOptimizer(), SoapOptimizer()):
        sentence = rule_of(spec).unsupported(spec, build("rosenbrock"))
        assert sentence is not None
        assert "this problem has none (its parameters: x [2]); take adamw" in sentence
        assert rule_of(spec).unsupported(spec, build("digits-tanh")) is None


def test_a_state_of_many_kinds_is_packed_and_read_back() -> None:
    state = {
        "t": torch.ones(2), "n": 3, "x": 0.1, "flag": True, "word": "ab,b->a", "none": None, "empty": [],
        "lists": [[torch.zeros(1), []], (1, "x")], "deep": {"a": {"b": 2.5}},
    }  # fmt: skip
    packed = dict(pack("0", state))
    assert all(isinstance(value, Tensor) for value in packed.values())
    back = unpack(packed)["0"]
    assert repr(back) == repr(state)
    back["t"][0] = 5.0
    assert state["t"][0] == 1.0  # type: ignore[index]
    with pytest.raises(TypeError, match="got a object"):
        dict(pack("0", object()))


def test_a_state_is_read_back_in_any_order_and_lies_in_memory_as_it_did() -> None:
    factors = [torch.arange(6.0).reshape(2, 3).mT, [torch.ones(1)], (1, "x")] + [
        torch.tensor(float(i)) for i in range(9)
    ]
    packed = dict(pack("0", {"Q": factors, "empty": []}))
    back = unpack({name: packed[name].contiguous() for name in sorted(packed)})["0"]
    assert repr(back) == repr({"Q": factors, "empty": []})
    assert back["Q"][0].stride() == (1, 3)


def test_laprops_steps_stay_bounded_where_adams_do_not() -> None:
    """β₂ = 0: LaProp divides each gradient by itself, Adam its momentum by the last gradient alone."""
    layout = Layout((("x", (1,)),))
    largest: dict[str, float] = {}
    for spec in (LaPropOptimizer(lr=0.01, beta2=0.0), AdamOptimizer(lr=0.01, beta2=0.0)):
        # Gradients of 1 that now and then are 1e-6: f is linear, and its slope changes from step to step.
        slope = [1.0]
        solo = Solo(spec, Formula(lambda x, slope=slope: slope[0] * x.sum(), layout), [0.0])
        moves = []
        for step in range(200):
            slope[0] = 1e-6 if step % 10 == 9 else 1.0
            before = solo.at
            solo.step()
            moves.append((solo.at - before).abs().item() / spec.lr)
        largest[spec.kind] = max(moves)
    assert largest["laprop"] <= 1 + 1e-6
    assert largest["adam"] > 1000


@pytest.mark.parametrize("amsgrad", [False, True])
def test_adam_fails_and_amsgrad_succeeds_on_the_periodic_game(amsgrad: bool) -> None:
    """f_t(x) = 3x every third step, −x else, x in [−1, 1]: the best constant is −1 (Reddi et al. 2018)."""
    steps, lr, slope = 6000, 0.1, [0.0]
    spec = AdamOptimizer(lr=lr, beta1=0.0, beta2=0.1, amsgrad=amsgrad)
    solo = Solo(spec, Formula(lambda x: slope[0] * x.sum(), Layout((("x", (1,)),))), [0.0])
    path = [0.0]
    for t in range(1, steps + 1):
        slope[0] = 3.0 if t % 3 == 1 else -1.0
        solo.optimizer.set("lr", lr / t**0.5)
        solo.step()
        with torch.no_grad():
            solo.params_P.clamp_(-1.0, 1.0)
        path.append(solo.at.item())
    assert path[-1] == pytest.approx(-1.0 if amsgrad else 0.999, abs=2e-3)
    assert play(amsgrad) == pytest.approx(path, abs=1e-6), "the study plays the same game"
    recorded = json.loads(RESULT.read_text("utf-8"))["games"]["AMSGrad" if amsgrad else "Adam"]
    assert recorded["x"][str(steps)] == pytest.approx(path[-1])
