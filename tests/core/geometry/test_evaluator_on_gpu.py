"""The fast losses on a CUDA device: those of the CPU, and how far coarse products are off."""

import numpy as np
import pytest
import torch

from backend.core.analyses.base import Moment
from backend.core.geometry.evaluate import Evaluator, Span, finish, sample
from backend.core.geometry.evaluate.arithmetic import Arithmetic
from backend.core.geometry.fit import fit_plane
from backend.core.problems.build import build_problem
from backend.core.problems.problem import BatchNormPolicy, Problem
from backend.schemas.analysis import RandomPlane
from tests.cases import CNNS, NETWORKS, PROBLEMS, build, over

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
POINTS = [(a, b) for a in (-1.0, -0.3, 0.4, 1.0) for b in (-0.9, 0.0, 0.7)]


def there(name: str, dtype: torch.dtype) -> Problem:
    return build_problem(PROBLEMS[name], dtype, torch.device("cuda", 0))


def spans(here: Problem, gpu: Problem) -> tuple[Span, Span]:
    plane = fit_plane(RandomPlane(), here, Moment(0, *here.params0(0)), (), 0)
    assert plane is not None
    tensors = (plane.origin.params_P, plane.origin.buffers_B, plane.u_P, plane.v_P)
    origin_P, buffers_B, u_P, v_P = (tensor.to(gpu.device) for tensor in tensors)
    return plane.span, Span(origin_P, buffers_B, (u_P, v_P))


@over(NETWORKS)
@pytest.mark.parametrize("tune", [False, True])
def test_losses_are_those_of_the_cpu(name: str, tune: bool) -> None:
    if name == "sine-linear":
        pytest.skip("one weight has no plane")
    problem, gpu = build(name), there(name, torch.float64)
    here, far = spans(problem, gpu)
    wanted = finish(Evaluator(sample(problem), here).losses(POINTS)).loss_K
    found = finish(Evaluator(sample(gpu), far, tune=tune).losses(POINTS)).loss_K
    assert np.abs(found - wanted).max() <= 1e-9 * np.ptp(wanted)


@over(CNNS)
@pytest.mark.parametrize("policy", ["batch", "reestimated"])
def test_batch_norm_policies_are_those_of_the_cpu(name: str, policy: BatchNormPolicy) -> None:
    problem, gpu = build(name), there(name, torch.float64)
    here, far = spans(problem, gpu)
    wanted = finish(Evaluator(sample(problem, 1.0, policy), here).losses(POINTS)).loss_K
    found = finish(Evaluator(sample(gpu, 1.0, policy), far).losses(POINTS)).loss_K
    assert np.abs(found - wanted).max() <= 1e-9 * np.ptp(wanted)


@pytest.mark.parametrize(("arithmetic", "slack"), [("own", 1e-5), ("float64", 1e-6), ("tf32", 1e-2), ("bfloat16", 0.1)])
def test_coarse_products_round_and_leave_the_settings(arithmetic: Arithmetic, slack: float) -> None:
    problem, gpu = build("digits-tanh"), there("digits-tanh", torch.float32)
    here, far = spans(problem, gpu)
    wanted = finish(Evaluator(sample(problem), here).losses(POINTS)).loss_K
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    far = Span(far.origin_P.float(), far.buffers_B.float(), tuple(d_P.float() for d_P in far.directions))
    found = finish(Evaluator(sample(gpu), far, arithmetic=arithmetic).losses(POINTS)).loss_K
    assert np.abs(found - wanted).max() <= slack * np.ptp(wanted)
    assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == before
