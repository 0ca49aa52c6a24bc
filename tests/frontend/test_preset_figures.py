"""What the pages of presets claim in figures, run as the preset asks."""

import json

import pytest
import torch

from backend.core.analyses.base import Context
from backend.core.analyses.train import TRAIN
from backend.core.problems.build import build_problem
from backend.schemas.events import PathPoints, TrainChunk
from backend.schemas.run import TrainRequest
from frontend.arena_presets import XGRAD


def test_looking_ahead_ends_500_times_lower() -> None:
    request = TrainRequest.decode(json.dumps({**XGRAD.request, "pace": None, "tune": False}))
    problem = build_problem(request.problem, torch.float64, torch.device("cpu"))
    rows: dict[str, float] = {}
    places: dict[tuple[str, int], float] = {}
    for event in TRAIN.run(problem, request, Context(seed=request.seed)):
        if isinstance(event, TrainChunk):
            rows[event.lane] = float(event.loss[-1])
        if isinstance(event, PathPoints):
            places.update(((event.lane or "", int(step)), z) for step, z in zip(event.step, event.loss, strict=True))
    heavy, ahead = places["Heavy ball", 200], places["XGrad", 200]
    assert (heavy, ahead) == (pytest.approx(1.20e-3, rel=0.01), pytest.approx(2.13e-6, rel=0.01))
    assert 500 < heavy / ahead < 600
    assert rows["Heavy ball"] == pytest.approx(heavy), "the last row's gradient is taken after 200 steps"
    assert rows["XGrad"] == pytest.approx(1.92e-6, rel=0.01)
