"""Obviously right slow twins: the same networks as ``torch.nn`` modules, the same losses written out."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from backend.core.problems.problem import Problem
from backend.schemas.problem import DataProblem
from backend.schemas.problem.loss import CrossEntropyLoss, LogisticLoss
from backend.schemas.problem.model import CnnModel, ResNetModel

ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "sigmoid": nn.Sigmoid}


def norm_of(kind: str, wide: int, groups: int) -> nn.Module:
    """The norm after a convolution."""
    if kind == "batch":
        return nn.BatchNorm2d(wide)
    return nn.GroupNorm(max(g for g in range(1, groups + 1) if wide % g == 0), wide)


class Convolution(nn.Conv2d):
    """A convolution with its norm."""

    def __init__(self, model: ResNetModel, narrow: int, wide: int, kernel: int, stride: int) -> None:
        plain = model.norm == "none"
        super().__init__(narrow, wide, kernel, stride, padding=kernel // 2, bias=plain)
        if not plain:
            self.norm = norm_of(model.norm, wide, model.groups)

    def forward(self, x: Tensor) -> Tensor:
        out = super().forward(x)
        return self.norm(out) if self.bias is None else out


class Block(nn.Module):
    """Two convolutions and the way around them."""

    def __init__(self, model: ResNetModel, narrow: int, wide: int, stride: int) -> None:
        super().__init__()
        self.first = Convolution(model, narrow, wide, 3, stride)
        self.second = Convolution(model, wide, wide, 3, 1)
        if model.shortcut and (stride != 1 or narrow != wide):
            self.shortcut = Convolution(model, narrow, wide, 1, stride)
        self.model, self.activation = model, ACTIVATIONS[model.activation]()

    def forward(self, x: Tensor) -> Tensor:
        out = self.second(self.activation(self.first(x)))
        around = getattr(self, "shortcut", nn.Identity())(x) if self.model.shortcut else 0.0
        return self.activation(out + around)


class Residual(nn.Module):
    """A whole residual net."""

    def __init__(self, model: ResNetModel, depth: int, outputs: int) -> None:
        super().__init__()
        wide = model.channels[0]
        self.stem, self.activation = Convolution(model, depth, wide, 3, 1), ACTIVATIONS[model.activation]()
        self.stages = nn.ModuleList()
        for stage, now in enumerate(model.channels):
            before = model.channels[max(0, stage - 1)]
            blocks = [Block(model, before, now, 2 if stage else 1)]
            self.stages.append(nn.ModuleList(blocks + [Block(model, now, now, 1) for _ in range(model.blocks - 1)]))
        self.dense = nn.Linear(model.channels[-1], outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.stem(x))
        for stage in self.stages:
            for block in stage:
                x = block(x)
        return self.dense(x.mean((2, 3)))


def fresh_module(spec: DataProblem, features: int, outputs: int) -> nn.Module:
    """Build a spec's network as PyTorch's own modules, with PyTorch's own initial weights."""
    activation, model = ACTIVATIONS[spec.model.activation], spec.model
    layers: list[nn.Module] = []
    if isinstance(model, ResNetModel):
        assert spec.data.image is not None
        return Residual(model, spec.data.image[0], outputs)
    if isinstance(model, CnnModel):
        assert spec.data.image is not None
        depth, side, _ = spec.data.image
        for wide in model.channels:
            layers.append(nn.Conv2d(depth, wide, 3, padding=1))
            if model.norm != "none":
                layers.append(norm_of(model.norm, wide, model.groups))
            layers += [activation(), nn.AvgPool2d(2)]
            depth, side = wide, side // 2
        layers += [nn.Flatten(), nn.Linear(depth * side * side, outputs)]
    else:
        for wide in model.hidden:
            layers += [nn.Linear(features, wide), activation()]
            features = wide
        layers.append(nn.Linear(features, outputs))
    return nn.Sequential(*layers)


def module_of(spec: DataProblem, problem: Problem, params_P: Tensor, buffers_B: Tensor) -> nn.Module:
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


def flat_state(problem: Problem, module: nn.Module) -> tuple[Tensor, Tensor]:
    """A module's parameters and running statistics as the problem's flat vectors."""
    state = module.state_dict()
    params = [state[name].flatten() for name, _ in problem.layout.entries]
    buffers = [state[name].flatten() for name, _ in problem.buffer_layout.entries]
    return torch.cat(params), torch.cat(buffers) if buffers else torch.empty(0, dtype=problem.dtype)


def hessian_of(function: Callable[[Tensor], Tensor], at_P: Tensor) -> Tensor:
    """The dense Hessian [P, P] of a scalar function, reverse over reverse."""
    return torch.func.jacrev(torch.func.jacrev(function))(at_P)
