"""Networks as problems, against the same networks as modules."""

from typing import get_args

import pytest
import torch
from torch.nn import functional as F

from backend.core.problems.activations import ACTIVATIONS
from backend.core.problems.build import build_problem
from backend.core.problems.problem import Data
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import DATA_KINDS, FROM_FILES, DigitsData, MoonsData
from backend.schemas.problem.loss import LOSS_KINDS, MseLoss
from backend.schemas.problem.model import MODEL_KINDS, Activation, CnnModel, Initialisation, MlpModel, ResNetModel
from tests.cases import CNNS, CPU, MLPS, NETWORKS, RESNETS, build, over
from tests.oracles import flat_state, hessian_of, loss_of, module_of

CLOSE = {"rtol": 0.0, "atol": 1e-12}
BATCH_NORMED = {name: spec for name, spec in (CNNS | RESNETS).items() if spec.model.norm == "batch"}


def test_the_cases_cover_every_choice_of_network_and_loss():
    models = [spec.model for spec in NETWORKS.values()]
    assert {model.activation for model in models} == set(ACTIVATIONS) == set(get_args(Activation))
    assert {model.init for model in models} == set(get_args(Initialisation))
    assert {type(model) for model in models} == set(MODEL_KINDS)
    assert {type(spec.loss) for spec in NETWORKS.values()} == set(LOSS_KINDS)
    assert {type(spec.data) for spec in NETWORKS.values()} == set(DATA_KINDS) - set(FROM_FILES)
    for cases, kind in ((CNNS, CnnModel), (RESNETS, ResNetModel)):
        assert {spec.model.norm for spec in cases.values()} == set(get_args(kind.model_fields["norm"].annotation))


@over(NETWORKS)
def test_names_and_shapes_are_those_of_a_sequential(name):
    problem = build(name)
    module = module_of(NETWORKS[name], problem, *problem.params0(0))
    assert problem.layout.entries == tuple((n, tuple(p.shape)) for n, p in module.named_parameters())
    running = [(n, tuple(b.shape)) for n, b in module.named_buffers() if not n.endswith("num_batches_tracked")]
    assert problem.buffer_layout.entries == tuple(running)


@over(NETWORKS)
def test_outputs_and_loss_equal_the_modules_on_both_splits(name):
    spec, problem = NETWORKS[name], build(name)
    params, buffers = problem.params0(3)
    buffers = buffers + torch.rand(buffers.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    module = module_of(spec, problem, params, buffers).eval()
    for data in (problem.train, problem.test):
        if data is None:
            assert spec.data.kind in ("chebyshev", "planted")
            continue
        expected = module(data.x)
        torch.testing.assert_close(problem.outputs(params, buffers, data.x), expected, **CLOSE)
        torch.testing.assert_close(problem.loss(params, buffers, data), loss_of(spec, expected, data.y), **CLOSE)
    torch.testing.assert_close(
        problem.loss(params, buffers), problem.loss(params, buffers, problem.train), rtol=0, atol=0
    )


@over(NETWORKS)
def test_gradient_equals_the_modules(name):
    spec, problem = NETWORKS[name], build(name)
    params, buffers = problem.params0(1)
    module = module_of(spec, problem, params, buffers).train()
    x, y = problem.train.x[:11], problem.train.y[:11]
    params.requires_grad_()
    (gradient,) = torch.autograd.grad(problem.batch_loss(params, buffers, x, y), params)
    loss_of(spec, module(x), y).backward()
    expected = torch.cat([p.grad.flatten() for p in module.parameters()])
    assert expected.abs().max() > 1e-4
    torch.testing.assert_close(gradient, expected, **CLOSE)


@over(BATCH_NORMED)
def test_training_batches_move_the_running_statistics_as_batchnorm2d_does(name):
    spec, problem = NETWORKS[name], build(name)
    params, buffers = problem.params0(0)
    started = buffers.clone()
    module = module_of(spec, problem, params, buffers).train()
    for batch in (slice(0, 16), slice(16, 32), slice(32, 37)):
        x, y = problem.train.x[batch], problem.train.y[batch]
        loss = problem.batch_loss(params, buffers, x, y)
        torch.testing.assert_close(loss, loss_of(spec, module(x), y), **CLOSE)
    expected_params, expected_buffers = flat_state(problem, module)
    torch.testing.assert_close(buffers, expected_buffers, **CLOSE)
    torch.testing.assert_close(params, expected_params, rtol=0, atol=0)
    assert (buffers - started).abs().max() > 1e-3


@over(BATCH_NORMED)
def test_policy_batch_uses_the_evaluation_data_alone(name):
    spec, problem = NETWORKS[name], build(name)
    params, buffers = problem.params0(0)
    module = module_of(spec, problem, params, buffers).train()
    data = problem.test
    expected = loss_of(spec, module(data.x), data.y)
    torch.testing.assert_close(problem.loss(params, buffers, data, "batch"), expected, **CLOSE)
    torch.testing.assert_close(problem.loss(params, buffers * 7, data, "batch"), expected, **CLOSE)


@pytest.mark.parametrize("examples", [400, 700, 701])
def test_policy_reestimated_is_one_epoch_of_cumulative_averages(examples):
    """Two, then three microbatches; with 701 their sizes differ, and each weighs by its examples."""
    spec = DataProblem(data=DigitsData(examples=examples), model=CnnModel(channels=(2, 3), norm="batch"))
    problem = build_problem(spec, torch.float64, CPU)
    params, buffers = problem.params0(0)
    module = module_of(spec, problem, params, buffers).train()
    norms = [layer for layer in module if isinstance(layer, torch.nn.BatchNorm2d)]
    seen = 0
    for part in torch.tensor_split(problem.train.x, -(-examples // 256)):
        for norm in norms:
            norm.momentum = len(part) / (seen + len(part))
        module(part)
        seen += len(part)
    if examples % 2 == 0 and examples < 512:  # equal microbatches: torch's own cumulative mode agrees
        twin = module_of(spec, problem, params, buffers).train()
        for layer in twin:
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = None
        for part in torch.tensor_split(problem.train.x, 2):
            twin(part)
        torch.testing.assert_close(flat_state(problem, twin)[1], flat_state(problem, module)[1], **CLOSE)
    module.eval()
    for data in (problem.train, problem.test):
        expected = loss_of(spec, module(data.x), data.y)
        torch.testing.assert_close(problem.loss(params, buffers, data, "reestimated"), expected, **CLOSE)
        torch.testing.assert_close(problem.loss(params, buffers * 5, data, "reestimated"), expected, **CLOSE)


@over({name: spec for name, spec in NETWORKS.items() if name not in BATCH_NORMED})
def test_without_batchnorm_the_policies_agree(name):
    problem = build(name)
    start = problem.params0(0)
    for policy in ("batch", "reestimated"):
        assert problem.loss(*start, batchnorm=policy) == problem.loss(*start)


@over(NETWORKS)
def test_evaluation_writes_to_nothing(name):
    problem = build(name)
    params, buffers = problem.params0(0)
    before = params.clone(), buffers.clone(), problem.train.x.clone(), problem.train.y.clone()
    for policy in ("frozen", "batch", "reestimated"):
        problem.loss(params, buffers, batchnorm=policy)
        problem.outputs(params, buffers, problem.train.x, policy)
    problem.accuracy(params, buffers, problem.train)
    problem.evaluate(params, buffers, problem.train)
    after = params, buffers, problem.train.x, problem.train.y
    assert all(torch.equal(old, new) for old, new in zip(before, after, strict=True))


@over(NETWORKS)
def test_evaluate_is_loss_and_accuracy(name):
    spec, problem = NETWORKS[name], build(name)
    params, buffers = problem.params0(5)
    loss, accuracy = problem.evaluate(params, buffers, problem.train)
    assert loss == pytest.approx(float(problem.loss(params, buffers, problem.train)), rel=1e-12)  # other products
    assert accuracy == problem.accuracy(params, buffers, problem.train)
    if spec.data.classes is None:
        assert accuracy is None
        return
    right = 0
    for out, target in zip(problem.outputs(params, buffers, problem.train.x), problem.train.y, strict=True):
        guess = int(out[0] > 0) if spec.loss.kind == "logistic" else int(torch.argmax(out))
        right += guess == int(target)
    assert accuracy == right / len(problem.train)


@over(NETWORKS)
def test_a_split_weighs_by_examples_not_by_batches(name):
    problem = build(name)
    start = problem.params0(0)
    count = len(problem.train)
    cuts = (slice(0, 7), slice(7, count))
    parts = [Data(problem.train.x[cut], problem.train.y[cut]) for cut in cuts]
    weighted = sum(problem.loss(*start, part) * len(part) for part in parts) / count
    torch.testing.assert_close(weighted, problem.loss(*start), **CLOSE)


@over(NETWORKS)
def test_many_points_at_once_equal_one_by_one(name):
    problem = build(name)
    params, buffers = problem.params0(0)
    params_KP = params * torch.tensor([[0.5], [1.0], [1.5]], dtype=torch.float64)
    for policy in ("frozen", "batch", "reestimated"):
        together = torch.func.vmap(lambda p, how=policy: problem.loss(p, buffers, batchnorm=how))(params_KP)
        alone = torch.stack([problem.loss(p, buffers, batchnorm=policy) for p in params_KP])
        torch.testing.assert_close(together, alone, rtol=0, atol=1e-11)


def test_linear_regression_has_its_closed_form_hessian():
    """½·mean squared error of a linear model with bias: H = XᵀX/N with a column of ones."""
    problem = build("sine-linear")
    params, buffers = problem.params0(0)
    design = torch.cat([problem.train.x, torch.ones_like(problem.train.x)], dim=1)
    hessian = hessian_of(lambda p: problem.loss(p, buffers), params)
    torch.testing.assert_close(hessian, design.T @ design / len(design), **CLOSE)


def test_softmax_regression_has_its_closed_form_hessian():
    """H = mean of (diag p − ppᵀ) ⊗ xxᵀ over the weights."""
    problem = build("wine-linear")
    params, buffers = problem.params0(0)
    x, classes, features = problem.train.x, 3, 13
    p = F.softmax(problem.outputs(params, buffers, x), 1)
    spread = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    expected = torch.einsum("ncd,ni,nj->cidj", spread, x, x).reshape(39, 39) / len(x)
    hessian = hessian_of(lambda q: problem.loss(q, buffers), params)
    torch.testing.assert_close(hessian[: classes * features, : classes * features], expected, **CLOSE)


@over({**MLPS, "cnn": CNNS["cnn"]})
def test_dtype_of_everything(name):
    for dtype in (torch.float32, torch.float64):
        problem = build(name, dtype)
        params, buffers = problem.params0(0)
        assert {params.dtype, buffers.dtype, problem.train.x.dtype, problem.loss(params, buffers).dtype} == {dtype}
        real = NETWORKS[name].data.classes is None
        assert problem.train.y.dtype == (dtype if real else torch.int64)
        assert problem.train.y.ndim == (2 if real else 1)


def test_digits_are_flat_for_an_mlp_and_the_same_pixels_as_images_for_a_cnn():
    flat, images = build("digits-tanh").train.x, build("cnn").train.x
    assert (flat.shape, images.shape) == ((60, 64), (40, 1, 8, 8))
    assert torch.equal(images[7, 0, 2, 5], flat[7, 2 * 8 + 5])
    assert torch.equal(images.flatten(1), flat[:40])


def test_logistic_has_one_output_and_survives_large_margins():
    problem = build("cancer-logistic-gelu")
    assert problem.layout.entries[-1] == ("2.bias", (1,))
    params, buffers = problem.params0(0)
    assert torch.isfinite(problem.loss(params * 1e6, buffers))


def test_squared_error_is_proportional_to_its_factor():
    losses = []
    for factor in (1.0, 3.0):
        spec = DataProblem(data=MoonsData(examples=20), model=MlpModel(hidden=(3,)), loss=MseLoss(factor=factor))
        problem = build_problem(spec, torch.float64, CPU)
        losses.append(float(problem.loss(*problem.params0(0))))
    assert losses[1] == pytest.approx(3 * losses[0], rel=1e-14)


@over(NETWORKS)
def test_deterministic(name):
    problem = build(name)
    start = problem.params0(0)
    assert problem.check_deterministic() is None
    assert problem.loss(*start) == problem.loss(*start)
