"""Obviously right slow twins: the same networks as ``torch.nn`` modules, the same losses written out."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from backend.core.problems.problem import Problem
from backend.schemas.problem import DataProblem
from backend.schemas.problem.loss import CrossEntropyLoss, LogisticLoss
from backend.schemas.problem.model import CnnModel

ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "sigmoid": nn.Sigmoid}


def fresh_module(spec: DataProblem, features: int, outputs: int) -> nn.Sequential:
    """Build a spec's network as PyTorch's own modules, with PyTorch's own initial weights."""
    activation, model = ACTIVATIONS[spec.model.activation], spec.model
    layers: list[nn.Module] = []
    if isinstance(model, CnnModel):
        assert spec.data.image is not None
        depth, side, _ = spec.data.image
        for wide in model.channels:
            layers.append(nn.Conv2d(depth, wide, 3, padding=1))
            if model.norm == "batch":
                layers.append(nn.BatchNorm2d(wide))
            elif model.norm == "group":
                groups = max(g for g in range(1, model.groups + 1) if wide % g == 0)
                layers.append(nn.GroupNorm(groups, wide))
            layers += [activation(), nn.AvgPool2d(2)]
            depth, side = wide, side // 2
        layers += [nn.Flatten(), nn.Linear(depth * side * side, outputs)]
    else:
        for wide in model.hidden:
            layers += [nn.Linear(features, wide), activation()]
            features = wide
        layers.append(nn.Linear(features, outputs))
    return nn.Sequential(*layers)


def module_of(spec: DataProblem, problem: Problem, params_P: Tensor, buffers_B: Tensor) -> nn.Sequential:
    """Build a spec's network as modules that hold a problem's parameters and buffers, by name."""
    assert problem.train is not None
    last = problem.layout.entries[-1][1]
    module = fresh_module(spec, problem.train.x[0].numel(), last[0]).to(params_P.dtype)
    state = problem.layout.unflatten(params_P.detach()) | problem.buffer_layout.unflatten(buffers_B)
    counters = {name: torch.tensor(0) for name in module.state_dict() if name.endswith("num_batches_tracked")}
    module.load_state_dict(state | counters, strict=True)
    return module


def loss_of(spec: DataProblem, outputs: Tensor, y: Tensor) -> Tensor:
    """The mean loss, example by example, from the definitions."""
    losses = []
    for out, target in zip(outputs, y, strict=True):
        if isinstance(spec.loss, CrossEntropyLoss):
            losses.append(torch.logsumexp(out, 0) - out[target])
        elif isinstance(spec.loss, LogisticLoss):
            sign = 1.0 if int(target) == 1 else -1.0
            losses.append(torch.log1p(torch.exp(-sign * out[0])))
        else:
            wanted = target if spec.data.classes is None else torch.eye(len(out), dtype=out.dtype)[target]
            losses.append(spec.loss.factor * ((out - wanted) ** 2).sum())
    return torch.stack(losses).mean()


def flat_state(problem: Problem, module: nn.Sequential) -> tuple[Tensor, Tensor]:
    """A module's parameters and running statistics as the problem's flat vectors."""
    state = module.state_dict()
    params = [state[name].flatten() for name, _ in problem.layout.entries]
    buffers = [state[name].flatten() for name, _ in problem.buffer_layout.entries]
    return torch.cat(params), torch.cat(buffers) if buffers else torch.empty(0, dtype=problem.dtype)


def hessian_of(function: Callable[[Tensor], Tensor], at_P: Tensor) -> Tensor:
    """The dense Hessian [P, P] of a scalar function, reverse over reverse."""
    return torch.func.jacrev(torch.func.jacrev(function))(at_P)
