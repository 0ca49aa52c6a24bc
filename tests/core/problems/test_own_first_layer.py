"""A module of one's own, taken apart at its first layer: the same losses, and never where inputs go another way."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backend.core.geometry.evaluate import Evaluator, Span, finish, sample
from backend.core.geometry.evaluate.plan import Plan
from backend.core.problems.custom.build import build_fit
from backend.core.problems.custom.definition import Fit
from backend.core.problems.custom.first_layer import LedModule, led
from backend.core.problems.custom.module import ModuleModel
from backend.core.problems.network import NetworkProblem
from tests.core.problems.test_custom import CPU, SMALL, example

DRAW = torch.Generator().manual_seed(0)
ROWS = torch.randn(30, 6, generator=DRAW)
PICTURES = torch.randn(20, 2, 6, 6, generator=DRAW)
TOKENS = torch.randint(0, 11, (25, 5), generator=DRAW)
PLANS = (None, Plan(1000), Plan(7), Plan(16, 4))
POINTS = [(a, b) for a in (-1.0, 0.3, 1.0) for b in (-0.7, 0.0, 0.9)]


class Words(nn.Module):
    """Tokens embedded, places added, one read out; the table is not the first of the parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.places = nn.Parameter(0.1 * torch.randn(5, 4))
        self.words, self.read = nn.Embedding(11, 4, padding_idx=0), nn.Linear(20, 3)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.words(x) + self.places[: x.shape[1]]
        out: Tensor = self.read(hidden.tanh().reshape(len(x), -1))
        return out


class Made(nn.Module):
    """Two dense layers, put together by a function."""

    def __init__(self, join: Callable[["Made", Tensor], Tensor], width: int = 6) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, width), nn.Linear(width, 3)
        self.join = join

    def forward(self, x: Tensor) -> Tensor:
        return self.join(self, x)


def sequence(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(*layers)


PARTED: dict[str, tuple[Callable[[], nn.Module], Tensor, str]] = {
    "dense": (lambda: sequence(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)), ROWS, "0"),
    "dense without bias": (lambda: sequence(nn.Linear(6, 5, bias=False), nn.ReLU(), nn.Linear(5, 3)), ROWS, "0"),
    "convolution, activated in place": (
        lambda: sequence(nn.Conv2d(2, 3, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(48, 3)), PICTURES, "0",
    ),
    "flattened before": (lambda: sequence(nn.Flatten(), nn.Linear(72, 4), nn.Tanh(), nn.Linear(4, 3)), PICTURES, "1"),
    "nested": (lambda: sequence(sequence(nn.Linear(6, 5), nn.GELU()), nn.Linear(5, 3)), ROWS, "0.0"),
    "only layer": (lambda: sequence(nn.Linear(6, 3)), ROWS, "0"),
    "embedding": (Words, TOKENS, "words"),
    "scaled inputs": (lambda: Made(lambda self, x: self.last(self.first(2 * x - 1).tanh())), ROWS, "first"),
}  # fmt: skip


def masked(self: Made, x: Tensor) -> Tensor:
    out: Tensor = self.last(self.first(x).tanh() * (x > -9.0))  # true of every input there is
    return out


def looked(self: Made, x: Tensor) -> Tensor:
    out: Tensor = self.last(self.first(x).tanh())
    return out * 2 if float(x.abs().max()) > 1e9 else out


def written(self: Made, x: Tensor) -> Tensor:
    hidden = self.first(x).tanh()
    hidden.add_(0.0 * x)
    out: Tensor = self.last(hidden)
    return out


class Tied(nn.Module):
    """One table reads and writes."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.back = nn.Embedding(11, 4), nn.Linear(4, 11, bias=False)
        self.back.weight = self.words.weight

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.back(self.words(x).mean(1).tanh())[:, :3]
        return out


class Frozen(Made):
    """A first layer that is not trained."""

    def __init__(self) -> None:
        super().__init__(lambda self, x: self.last(self.first(x).tanh()))
        self.first.requires_grad_(False)


class Scaled(nn.Module):
    """Inputs are scaled by parameters before the first layer."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.last = nn.Parameter(torch.ones(6)), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(self.scale * x)
        return out


WHOLE: dict[str, tuple[Callable[[], nn.Module], Tensor]] = {
    "a way around": (lambda: Made(lambda self, x: self.last(self.first(x).tanh() + x)), ROWS),
    "a mask of the inputs": (lambda: Made(masked), ROWS),
    "a condition on the inputs": (lambda: Made(looked), ROWS),
    "the inputs written into it": (lambda: Made(written), ROWS),
    "called twice": (lambda: Made(lambda self, x: self.last(self.first(self.first(x).tanh()))), ROWS),
    "weights of two layers": (Tied, TOKENS),
    "frozen": (Frozen, ROWS),
    "parameters before it": (Scaled, ROWS),
    "largest norm": (lambda: sequence(nn.Embedding(11, 4, max_norm=1.0), nn.Flatten(), nn.Linear(20, 3)), TOKENS),
    "the layer is all there is": (lambda: nn.Linear(6, 3), ROWS),
}  # fmt: skip


def net(make: Callable[[], nn.Module], x: Tensor, dtype: torch.dtype = torch.float64) -> NetworkProblem:
    return build_fit("mine", Fit(make, "cross_entropy", (x, torch.arange(len(x)) % 3), classes=3), dtype, CPU)


def parted(problem: NetworkProblem) -> LedModule | None:
    assert isinstance(problem.model, ModuleModel)
    assert problem.train is not None
    return led(problem.model, problem.train.x)


def span_of(problem: NetworkProblem) -> Span:
    directions = tuple(0.3 * problem.params0(seed)[0] for seed in (1, 2))
    return Span(*problem.params0(0), directions)


def check(problem: NetworkProblem, slack: float, plans: tuple[Plan | None, ...] = PLANS) -> None:
    """Compare every way of evaluating with the losses of the whole module, one point after another, in float64."""
    span = span_of(problem)
    before = [each.clone() for each in (span.origin_P, *span.directions)]
    exact = span.to(torch.float64)
    assert problem.train is not None
    x = problem.train.x.double() if problem.train.x.is_floating_point() else problem.train.x
    wanted = np.array(
        [F.cross_entropy(problem.outputs(exact.embed(p), exact.buffers_B, x), problem.train.y).item() for p in POINTS]
    )
    for plan in plans:
        evaluator = Evaluator(sample(problem), span)
        if plan is not None:
            evaluator._plan = plan
        found = finish(evaluator.losses(POINTS)).loss_K
        assert np.abs(found - wanted).max() <= slack * np.ptp(wanted), plan
        assert np.array_equal(finish(evaluator.losses(POINTS)).loss_K, found)  # nothing kept was written to
    assert all(torch.equal(was, now) for was, now in zip(before, (span.origin_P, *span.directions), strict=True))


@pytest.mark.parametrize(("dtype", "slack"), [(torch.float64, 1e-9), (torch.float32, 1e-5)])
@pytest.mark.parametrize("name", PARTED)
def test_taken_apart_it_has_the_same_losses(name: str, dtype: torch.dtype, slack: float) -> None:
    make, x, layer = PARTED[name]
    problem = net(make, x, dtype)
    two = parted(problem)
    assert two is not None
    assert [key.rpartition(".")[0] for key, _ in two.layout.entries[: two.first_tensors]] == [layer] * two.first_tensors
    assert two.writes == ("in place" in name)
    check(problem, slack)


@pytest.mark.parametrize("name", WHOLE)
def test_where_more_of_the_inputs_is_used_it_stays_whole(name: str) -> None:
    make, x = WHOLE[name]
    problem = net(make, x)
    assert parted(problem) is None
    if name != "largest norm":  # which writes to its table as it looks words up
        check(problem, 1e-9, PLANS[:3] if "condition" in name else PLANS)


def test_where_many_points_at_once_cannot_be_timing_leaves_that_out() -> None:
    """A condition on a value has no one answer for several points."""
    problem = net(*WHOLE["a condition on the inputs"])
    evaluator = Evaluator(sample(problem), span_of(problem), tune=True)
    found = finish(evaluator.losses(POINTS)).loss_K
    np.testing.assert_allclose(
        found, finish(Evaluator(sample(problem), span_of(problem)).losses(POINTS)).loss_K, rtol=1e-12
    )


def test_the_transformer_of_the_examples_looks_its_letters_up_once_for_each_direction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = example("small_transformer", **SMALL)
    two = parted(problem)
    assert two is not None
    assert [name for name, _ in two.layout.entries[: two.first_tensors]] == ["letters.weight"]
    assert problem.layout.entries[0][0] == "places"
    looked_up, right = list[int](), F.embedding

    def counted(letters: Tensor, *rest: Any) -> Tensor:
        looked_up.append(len(letters))
        return right(letters, *rest)

    monkeypatch.setattr(F, "embedding", counted)
    evaluator = Evaluator(sample(problem), span_of(problem))
    finish(evaluator.losses(POINTS))
    finish(evaluator.losses(POINTS))
    assert problem.train is not None
    assert sum(looked_up) == 1 + 3 * len(problem.train.x)  # one for its shape; the origin and two directions
