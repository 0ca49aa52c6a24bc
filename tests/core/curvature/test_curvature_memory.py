"""The memory of a search, in vectors of P: measured as a process's peak, beside what the operator itself takes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = r"""
import re
from pathlib import Path
import torch
from backend.core.analyses.base import Moment
from backend.core.curvature.eigenpairs import finish
from backend.core.curvature.hvp import hessian
from backend.core.curvature.lanczos import lanczos
from backend.core.problems.build import build_problem
from backend.schemas.problem import DataProblem, FunctionProblem
from backend.schemas.problem.data import DigitsData
from backend.schemas.problem.function import QuadraticFunction
from backend.schemas.problem.model import MlpModel

def peak():  # ru_maxrss would begin at what the parent had
    return int(re.search(r'VmHWM:\s+(\d+)', Path('/proc/self/status').read_text())[1])


spec = DataProblem(data=DigitsData(examples=64), model=MlpModel(hidden=(960, 960)))
problem = build_problem(spec, torch.float32, torch.device("cpu"))
operator = hessian(problem, Moment(0, *problem.params0(0)))
operator.apply(torch.randn(1, operator.size))  # one product's own workspace belongs to the graph
bowl = build_problem(FunctionProblem(function=QuadraticFunction()), torch.float32, torch.device("cpu"))
finish(lanczos(hessian(bowl, Moment(0, *bowl.params0(0))), 1, torch.Generator()))  # loads the libraries
before = peak()
pairs = finish(lanczos(operator, 5, torch.Generator().manual_seed(0), tol=1e-3))
after = peak()
assert pairs.converged
print(operator.size, (after - before) * 1024 / (4 * operator.size))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells the peak of a process on Linux")
def test_five_eigenpairs_of_a_million_parameters_fit_into_forty_vectors() -> None:
    """Measured: 34.6 vectors, of which the basis and its images are 30.

    Each array is mapped by itself: the holes that glibc's heap keeps between them would add four or five by chance.
    """
    alone = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "1000000"}
    ran = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True, env=alone)
    size, vectors = map(float, ran.stdout.split())
    assert size > 950_000
    assert 20 < vectors <= 40
