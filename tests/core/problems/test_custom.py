"""Problems of the user's own against the plain module and torch's own losses, and every refusal."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backend.core.analyses.base import Moment
from backend.core.curvature.hvp import hessian
from backend.core.gradients.per_sample import per_sample
from backend.core.problems.custom.build import build_custom, build_fit, tried
from backend.core.problems.custom.definition import BadProblem, Definition, Fit, field, problem
from backend.core.problems.network import NetworkProblem
from backend.jobs.custom_file import read_definitions
from backend.schemas.problem.custom import Custom, parameters_spec

EXAMPLE = Path(__file__).parents[3] / "examples/own_problems.py"
SMALL = {"context": 4, "width": 8, "sentences": 5}
CPU = torch.device("cpu")


def example(name: str, dtype: torch.dtype = torch.float64, **settings: Any) -> NetworkProblem:
    known = {each.entry.name: each for each in read_definitions(EXAMPLE)}
    return build_custom(Custom(name=name, parameters=settings), known.__getitem__, dtype, CPU)


@pytest.fixture(scope="module")
def transformer() -> NetworkProblem:
    return example("small_transformer", **SMALL)


def module_at(net: NetworkProblem, params_P: Tensor) -> nn.Module:
    """The plain module with these parameters: what anybody would write."""
    known = {each.entry.name: each for each in read_definitions(EXAMPLE)}
    module = known["small_transformer"].fit(SMALL).model().double()
    module.load_state_dict(net.layout.unflatten(params_P), strict=False)
    return module


def test_a_module_of_ones_own_is_the_plain_module(transformer: NetworkProblem) -> None:
    params_P, buffers_B = transformer.params0(3)
    train = transformer.train
    assert train is not None
    module = module_at(transformer, params_P)
    expected = F.cross_entropy(module(train.x), train.y)
    torch.testing.assert_close(transformer.loss(params_P, buffers_B), expected)
    leaf_P = params_P.clone().requires_grad_()
    (grad_P,) = torch.autograd.grad(transformer.loss(leaf_P, buffers_B), leaf_P)
    expected.backward()
    torch.testing.assert_close(grad_P, torch.cat([each.grad.flatten() for each in module.parameters()]))


def test_attention_can_be_differentiated_twice(transformer: NetworkProblem) -> None:
    """Curvature along a direction, beside the difference of two gradients."""
    params_P, buffers_B = transformer.params0(0)
    v_P = torch.randn(len(params_P), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    v_P /= v_P.norm()

    def gradient(at_P: Tensor) -> Tensor:
        leaf_P = at_P.clone().requires_grad_()
        return torch.autograd.grad(transformer.loss(leaf_P, buffers_B), leaf_P)[0]

    small = 1e-4
    expected = (gradient(params_P + small * v_P) - gradient(params_P - small * v_P)) / (2 * small)
    found = hessian(transformer, Moment(0, params_P, buffers_B)).apply(v_P[None])[0]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)


def test_gradients_of_single_examples_are_those_of_a_loop(transformer: NetworkProblem) -> None:
    params_P, buffers_B = transformer.params0(1)
    train = transformer.train
    assert train is not None
    some = type(train)(train.x[:5], train.y[:5])
    found = torch.cat([part.grad_Np for part in per_sample(transformer, Moment(0, params_P, buffers_B), some)], 1)
    rows = []
    for n in range(5):
        leaf_P = params_P.clone().requires_grad_()
        one = type(train)(train.x[n : n + 1], train.y[n : n + 1])
        rows.append(torch.autograd.grad(transformer.loss(leaf_P, buffers_B, one), leaf_P)[0])
    torch.testing.assert_close(found, torch.stack(rows))


def test_a_seed_is_an_initial_point_and_disturbs_nobody(transformer: NetworkProblem) -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again, other = (transformer.params0(seed)[0] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_loss_of_ones_own_is_the_mean_over_the_examples() -> None:
    sine = example("sine", width=4)
    params_P, buffers_B = sine.params0(0)
    train = sine.train
    assert train is not None
    outputs = sine.outputs(params_P, buffers_B, train.x)
    expected = sum(float((o - y).cosh().log().sum()) for o, y in zip(outputs, train.y, strict=True)) / len(train)
    assert float(sine.loss(params_P, buffers_B)) == pytest.approx(expected)
    assert sine.evaluate(params_P, buffers_B, train)[1] is None


def test_settings_become_fields() -> None:
    @problem
    def mine(
        width: Annotated[int, field("Units.", low=1, high=9, unit="units")] = 2,
        rate: float = 1,
        kind: Literal["a", "b"] = "a",
        deep: bool = False,
    ) -> Fit:
        """Fit nothing.

        More about it.
        """
        raise AssertionError("it is not called to be described")

    assert isinstance(mine, Definition)
    assert (mine.entry.name, mine.entry.title, mine.entry.summary) == ("mine", "Mine", "Fit nothing.")
    schema = parameters_spec(mine.entry).model_json_schema()["properties"]
    assert {name: each["default"] for name, each in schema.items()} == {
        "width": 2, "rate": 1.0, "kind": "a", "deep": False,
    }  # fmt: skip
    assert (schema["width"]["minimum"], schema["width"]["maximum"], schema["width"]["unit"]) == (1, 9, "units")
    assert schema["kind"]["enum"] == ["a", "b"]


X, Y = torch.randn(12, 3, generator=torch.Generator().manual_seed(0)), torch.arange(12) % 3


def linear() -> nn.Module:
    return nn.Linear(3, 3)


class Noisy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight + torch.randn(3)


FITS: dict[str, tuple[Fit, str]] = {
    "dropout": (
        Fit(lambda: nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.25)), "cross_entropy", (X, Y), classes=3),
        "the layer 1 drops out a share of 0.25",
    ),
    "attention with dropout": (
        Fit(lambda: nn.Sequential(nn.MultiheadAttention(3, 1, dropout=0.5)), "cross_entropy", (X, Y), classes=3),
        "the layer 0 drops out a share of 0.5",
    ),
    "batch norm": (
        Fit(lambda: nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)), "cross_entropy", (X, Y), classes=3),
        "the layer 1 is BatchNorm1d",
    ),
    "chance": (Fit(Noisy, "cross_entropy", (X, Y), classes=3), "another result is layer Noisy: it draws"),
    "no parameters": (Fit(nn.Identity, "cross_entropy", (X, Y), classes=3), "no parameters to train"),
    "no pair": (Fit(linear, "cross_entropy", X, classes=3), "inputs and targets, two tensors"),  # type: ignore[arg-type]
    "lengths": (Fit(linear, "cross_entropy", (X, Y[:5]), classes=3), r"got \[12, 3\] and \[5\]"),
    "test": (Fit(linear, "cross_entropy", (X, Y), (X[:, :2], Y), classes=3), r"test inputs of shape \[N, 3\]"),
    "classes": (Fit(linear, "cross_entropy", (X, Y), classes=2), "targets from 0 to 1, got 0 to 2"),
    "no classes": (Fit(linear, "cross_entropy", (X, Y)), "needs classes=C"),
    "mse": (Fit(linear, "mse", (X, Y)), r"mse needs real targets \[N, C\]"),
    "loss": (Fit(linear, "l1", (X, X)), 'expected the loss "cross_entropy", "mse" or a function'),  # type: ignore[arg-type]
    "width": (Fit(lambda: nn.Linear(2, 3), "cross_entropy", (X, Y), classes=3), r"cannot take inputs \[8, 3\]"),
    "shape": (Fit(lambda: nn.Flatten(0), "mse", (X, X)), "no parameters"),
    "outputs": (
        Fit(lambda: nn.Sequential(linear(), nn.Unflatten(1, (3, 1))), "cross_entropy", (X, Y), classes=3),
        r"outputs \[8, C\] for 8 examples, got \[8, 3, 1\]",
    ),
    "mean": (Fit(linear, F.cross_entropy, (X, Y), classes=3), r"the loss of every example alone, \[8\], got \[\]"),
    "not finite": (Fit(linear, lambda out, y: out.sum(1).log(), (X, Y)), "is not finite"),
    "model": (Fit(lambda: nn.Linear(-1, 2), "cross_entropy", (X, Y), classes=3), r"model\(\) raised RuntimeError"),
}  # fmt: skip


@pytest.mark.parametrize("name", FITS)
def test_what_cannot_be_a_problem_is_refused_in_a_sentence(name: str) -> None:
    fit, sentence = FITS[name]

    @problem(name="mine")
    def make() -> Fit:
        return fit

    with pytest.raises(BadProblem, match=sentence) as refused:
        tried(make)
    assert str(refused.value).startswith("mine: ")
    assert "\n" not in str(refused.value)


def test_a_function_that_cannot_be_a_form_is_refused() -> None:
    with pytest.raises(BadProblem, match="the parameter width has no default"):

        @problem
        def bare(width: int) -> Fit: ...  # type: ignore[empty-body]

    with pytest.raises(BadProblem, match="the parameter sizes is annotated"):

        @problem
        def listed(sizes: list[int] = []) -> Fit: ...  # type: ignore[empty-body]  # noqa: B006

    with pytest.raises(BadProblem, match="the default of width does not fit"):

        @problem
        def outside(width: Annotated[int, field("Units.", low=3)] = 2) -> Fit: ...  # type: ignore[empty-body]


def test_what_it_returns_and_takes_is_checked() -> None:
    @problem
    def mine(width: Annotated[int, field("Units.", low=1)] = 2) -> Fit:
        return "nothing" if width == 2 else 1 / 0  # type: ignore[return-value]

    with pytest.raises(BadProblem, match="expected the function to return a Fit, got str"):
        mine.fit({})
    with pytest.raises(BadProblem, match=r"ZeroDivisionError in line \d+ of test_custom.py: division by zero"):
        mine.fit({"width": 3})
    with pytest.raises(BadProblem, match="mine: width: Input should be greater than or equal to 1, got 0"):
        mine.fit({"width": 0})


def test_frozen_parameters_and_buffers_stay_and_follow_the_number_format() -> None:
    class Half(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(3, 4), nn.Linear(4, 3)
            self.first.requires_grad_(False)
            self.register_buffer("scale", torch.tensor([2.0, 2.0, 2.0]))

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.last(self.first(x).tanh()) * self.scale
            return out

    net = build_fit("half", Fit(Half, "cross_entropy", (X, Y), classes=3), torch.float32, CPU)
    assert [name for name, _ in net.layout.entries] == ["last.weight", "last.bias"]
    params_P, buffers_B = net.params0(0)
    single = net.loss(params_P, buffers_B)
    x, y = X.double(), Y
    double = F.cross_entropy(net.outputs(params_P.double(), buffers_B, x), y)
    assert double.dtype == torch.float64
    torch.testing.assert_close(single.double(), double, rtol=1e-5, atol=1e-6)
