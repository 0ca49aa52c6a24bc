"""How parameters start."""

import math

import pytest
import torch

from backend.core.problems.build import build_problem
from backend.core.problems.cnn import largest_divisor
from backend.core.problems.initialisation import initial_layer
from backend.schemas.problem import DataProblem
from backend.schemas.problem.model import CnnModel, MlpModel
from tests.cases import CPU, NETWORKS, PROBLEMS, build, over
from tests.oracles import fresh_module

SCHEMES = ("default", "xavier", "kaiming", "orthogonal")


def fresh(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@over(PROBLEMS)
def test_both_number_formats_start_at_the_same_point(name):
    double, single = build(name, torch.float64), build(name, torch.float32)
    for exact, rounded in zip(double.params0(9), single.params0(9), strict=True):
        assert torch.equal(exact.float(), rounded)


@over(NETWORKS)
def test_seeds_repeat_and_differ(name):
    first, again, other = (build(name).params0(seed)[0] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_drawing_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    build("cnn-batch").params0(0)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("shape", [(30, 20), (6, 4, 3, 3)])
def test_bounds_of_each_scheme(scheme, shape):
    fan_in, fan_out = math.prod(shape[1:]), shape[0] * math.prod(shape[2:])
    weight, bias = initial_layer(shape, scheme, 1.0, fresh())
    assert (weight.shape, bias.shape) == (shape, shape[:1])
    assert weight.dtype == bias.dtype == torch.float64
    bound = {
        "default": 1 / math.sqrt(fan_in),
        "xavier": math.sqrt(6 / (fan_in + fan_out)),
        "kaiming": math.sqrt(6 / fan_in),
        "orthogonal": 1.0,
    }[scheme]
    assert float(weight.abs().max()) <= bound
    if scheme != "orthogonal":  # uniform: the largest of many draws comes near its bound
        assert float(weight.abs().max()) > 0.95 * bound
        assert float(weight.std()) == pytest.approx(bound / math.sqrt(3), rel=0.1)
    assert bool(bias.any()) == (scheme == "default")
    assert float(bias.abs().max()) <= 1 / math.sqrt(fan_in)


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (4, 2, 3, 3)])
def test_orthogonal_has_orthonormal_rows_or_columns(shape):
    matrix = initial_layer(shape, "orthogonal", 1.0, fresh())[0].flatten(1)
    short = matrix if shape[0] <= matrix.shape[1] else matrix.T
    torch.testing.assert_close(short @ short.T, torch.eye(len(short), dtype=torch.float64), rtol=0, atol=1e-12)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_gain_multiplies_weight_and_bias(scheme):
    plain, scaled = (initial_layer((7, 5), scheme, gain, fresh()) for gain in (1.0, 3.0))
    for one, three in zip(plain, scaled, strict=True):
        assert torch.equal(3.0 * one, three)


@pytest.mark.parametrize("norm", ["none", "group", "batch"])
def test_default_is_what_pytorch_s_modules_draw(norm):
    """Same order and same distributions: PyTorch's own modules, fed by the same stream, start at the same point."""
    spec = DataProblem(model=CnnModel(channels=(4, 6), norm=norm))
    problem = build_problem(spec, torch.float64, CPU)
    torch.set_default_dtype(torch.float64)
    state = torch.get_rng_state()
    try:
        seeded = torch.Generator().manual_seed(11)
        torch.set_rng_state(seeded.get_state())
        module = fresh_module(spec, 64, 10)
    finally:
        torch.set_rng_state(state)
        torch.set_default_dtype(torch.float32)
    params, _ = problem._model.initial(torch.Generator().manual_seed(11))
    torch.testing.assert_close(params, torch.cat([p.detach().flatten() for p in module.parameters()]), rtol=0, atol=0)


@pytest.mark.parametrize("norm", ["group", "batch"])
def test_norms_start_at_identity_whatever_the_gain(norm):
    spec = DataProblem(model=CnnModel(channels=(4, 6), norm=norm, init_gain=5.0))
    problem = build_problem(spec, torch.float64, CPU)
    params, buffers = problem.params0(0)
    named = problem.layout.unflatten(params)
    for index in (1, 5):
        assert (named[f"{index}.weight"] == 1).all()
        assert (named[f"{index}.bias"] == 0).all()
    running = problem.buffer_layout.unflatten(buffers)
    assert len(running) == (4 if norm == "batch" else 0)
    for name, value in running.items():
        assert (value == (1 if name.endswith("var") else 0)).all()


def test_gain_reaches_every_layer_of_a_network():
    one, ten = (
        build_problem(DataProblem(model=MlpModel(hidden=(5, 4), init_gain=gain)), torch.float64, CPU).params0(2)[0]
        for gain in (1.0, 10.0)
    )
    torch.testing.assert_close(10 * one, ten, rtol=1e-15, atol=0)


@pytest.mark.parametrize(("number", "up_to", "expected"), [(8, 4, 4), (6, 4, 3), (7, 4, 1), (3, 8, 3), (12, 5, 4)])
def test_groups_are_the_largest_divisor(number, up_to, expected):
    assert largest_divisor(number, up_to) == expected
