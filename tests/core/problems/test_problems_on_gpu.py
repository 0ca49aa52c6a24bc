"""The same problem on a CUDA device and on the CPU."""

import pytest
import torch

from backend.core.problems.build import build_problem
from backend.core.runtime.device import choose_device
from tests.cases import PROBLEMS, build, over

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@over(PROBLEMS)
def test_start_loss_and_gradient_equal_the_cpu_s(name):
    here = build(name)
    there = build_problem(PROBLEMS[name], torch.float64, choose_device("cuda"))
    assert torch.equal(here.params0(4)[0], there.params0(4)[0].cpu())
    found = []
    for problem in (here, there):
        params, buffers = problem.params0(4)
        params.requires_grad_()
        loss = problem.loss(params, buffers)
        assert loss.device == params.device == problem.device
        (gradient,) = torch.autograd.grad(loss, params)
        found.append((loss.detach().cpu(), gradient.cpu()))
    for cpu, gpu in zip(*found, strict=True):
        torch.testing.assert_close(gpu, cpu, rtol=1e-9, atol=1e-9)
