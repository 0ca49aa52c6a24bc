"""At which setting, and within which budget, each rule reaches the bottom of a convex quadratic: one line a rule.

``bowl`` is ½(x² + 10y²) from (1.5, 1); ``line`` is least squares, ½·mean (f − y)², on twelve points, a network without
hidden layers, for the rules that need matrices, examples or outputs. The goal is a loss within 1e-6 of the minimum.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from backend.core.problems.build import build_problem
from backend.core.problems.problem import Problem
from backend.schemas.optimizer import AnySchedule, ConstantSchedule, LinearSchedule
from backend.schemas.problem import DataProblem, FunctionProblem
from backend.schemas.problem.data import ChebyshevData
from backend.schemas.problem.function import QuadraticFunction
from backend.schemas.problem.loss import MseLoss
from backend.schemas.problem.model import MlpModel


@dataclass(frozen=True)
class Bowl:
    """A setting and its budget."""

    steps: int
    settings: dict[str, Any] = field(default_factory=dict)
    schedule: AnySchedule = field(default_factory=ConstantSchedule)
    problem: Literal["bowl", "line"] = "bowl"


def falling(steps: int) -> LinearSchedule:
    """A rate that falls in a line to 0 over all steps: for rules whose steps do not shrink with the gradient."""
    return LinearSchedule(cooldown=steps)


BOWLS: dict[str, Bowl] = {
    "sgd": Bowl(100, {"lr": 0.1}),
    "rmsprop": Bowl(300, {"lr": 0.05}, falling(300)),
    "adagrad": Bowl(100, {"lr": 0.5}),
    "adadelta": Bowl(400, {"eps": 1e-3}, falling(400)),
    "adam": Bowl(200, {"lr": 0.1}, falling(200)),
    "adamw": Bowl(200, {"lr": 0.1, "weight_decay": 0.0}, falling(200)),
    "nadam": Bowl(200, {"lr": 0.1}, falling(200)),
    "radam": Bowl(200, {"lr": 0.2}, falling(200)),
    "lion": Bowl(400, {"lr": 0.05}, falling(400)),
    "diffgrad": Bowl(300, {"lr": 0.1}, falling(300)),
    "laprop": Bowl(200, {"lr": 0.1}, falling(200)),
    "ademamix": Bowl(400, {"lr": 0.1, "beta3": 0.99, "alpha": 1.0}, falling(400)),
    "gravity": Bowl(1000, {"lr": 0.5}),
    "muon": Bowl(400, {"lr": 0.05, "share": 1.0}, falling(400), "line"),
    "psgd": Bowl(300, {"lr": 0.05}, falling(300), "line"),
    "soap": Bowl(300, {"lr": 0.1, "weight_decay": 0.0}, falling(300), "line"),
    "sam": Bowl(100, {"lr": 0.1, "rho": 1e-4}),
    "lbfgs": Bowl(10),
    "xgrad": Bowl(300, {"lr": 0.05, "momentum": 0.8}),
    "induced_metric": Bowl(300, {"lr": 0.1}),
    "aegd": Bowl(300, {"lr": 0.1}),
    "optimistic_amsgrad": Bowl(300, {"lr": 0.1}),
    "vrgd": Bowl(300, {"lr": 0.5}, problem="line"),
    "entropy_sgd": Bowl(100),
    "newton": Bowl(10, {"damping": 0.01}),
    "saddle_free_newton": Bowl(10, {"damping": 0.01}),
    "natural_gradient": Bowl(10, {"lr": 1.0, "damping": 0.0}, problem="line"),
    "oasis": Bowl(100),
    "forward_gradient": Bowl(400, {"lr": 0.02}),
    "cbo": Bowl(200, {"lr": 0.2, "sigma": 1.0, "alpha": 1e12, "spread": 3.0, "particles": 300}),
}


def problem_of(bowl: Bowl) -> tuple[Problem, float]:
    """Build a bowl; the problem and its smallest loss, by a direct solution."""
    device, dtype = torch.device("cpu"), torch.float64
    if bowl.problem == "bowl":
        spec = FunctionProblem(function=QuadraticFunction(condition=10.0, start=(1.5, 1.0)))
        return build_problem(spec, dtype, device), 0.0
    line = DataProblem(data=ChebyshevData(points=12, degree=3), model=MlpModel(hidden=()), loss=MseLoss(factor=0.5))
    problem = build_problem(line, dtype, device)
    assert problem.train is not None
    design = torch.cat([problem.train.x, torch.ones(len(problem.train), 1, dtype=dtype)], 1)
    rest = design @ torch.linalg.lstsq(design, problem.train.y).solution - problem.train.y
    return problem, 0.5 * rest.square().mean().item()
