"""A race on a GPU goes as it does on the CPU."""

from typing import Any

import numpy as np
import pytest
import torch

from backend.core.analyses.base import Context
from backend.core.problems.build import build_problem
from tests.core.analyses.races import ADAM, MOMENTUM, RMSPROP, Kept, column, problem_of, race, told

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


def _on_gpu(request: Any) -> Any:
    return build_problem(request.problem, torch.float64, torch.device("cuda", 0))


def test_losses_are_those_of_the_cpu() -> None:
    request = race(MOMENTUM, RMSPROP, ADAM, steps=40, batch_size=16, dtype="float64")
    here, there = told(request, problem=problem_of(request)), told(request, problem=_on_gpu(request))
    for lane in ("Momentum", "RMSProp", "Adam"):
        assert np.abs(column(here, lane) - column(there, lane)).max() < 1e-8


def test_a_race_goes_on_from_a_checkpoint_that_came_from_the_cpu() -> None:
    request = race(ADAM, steps=10, batch_size=16, dtype="float64")
    keeper = Kept()
    whole = told(request, Context(seed=0, keeper=keeper))
    again = race(ADAM, steps=10, batch_size=16, dtype="float64", resume=True, origin={"run": "0" * 15, "step": 5})
    events = told(again, Context(seed=0, resume=(keeper.checkpoints[4],)), _on_gpu(request))
    assert np.abs(column(events, "Adam") - column(whole, "Adam")[5:]).max() < 1e-8
