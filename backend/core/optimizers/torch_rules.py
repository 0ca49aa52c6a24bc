"""The rules of ``torch.optim`` that act element by element: they step the flat vector itself, in one operation each."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from backend.core.optimizers.surroundings import Surroundings
from backend.core.problems.problem import LossAndGrad
from backend.schemas.optimizer.adagrad import AdagradOptimizer
from backend.schemas.optimizer.adam import AdamOptimizer
from backend.schemas.optimizer.adamw import AdamWOptimizer
from backend.schemas.optimizer.rmsprop import RmspropOptimizer
from backend.schemas.optimizer.sgd import SgdOptimizer


class TorchRule:
    """A ``torch.optim`` optimizer behind our contract; its state's names are ``index.name``, as in ``0.exp_avg``."""

    def __init__(self, params: Sequence[Tensor], inner: torch.optim.Optimizer) -> None:
        self._params = tuple(params)
        self._inner = inner
        # The rule itself, without torch's wrappers for profilers and compilers: those cost as much as the arithmetic.
        self._move: Callable[[torch.optim.Optimizer], object] = inspect.unwrap(type(inner).step)

    def step(self, loss_and_grad: LossAndGrad) -> tuple[Tensor, Tensor]:
        """Evaluate once, then let torch move."""
        loss, grad_P = loss_and_grad()
        start = 0
        for param in self._params:
            param.grad = grad_P[start : start + param.numel()].view_as(param) if len(self._params) > 1 else grad_P
            start += param.numel()
        with torch.no_grad():
            self._move(self._inner)
        return loss, grad_P

    def set(self, field: str, value: float) -> None:
        """Change a hyper-parameter by torch's name, which for all live fields is ours."""
        for group in self._inner.param_groups:
            group[field] = value
        if field == "momentum" and isinstance(self._inner, torch.optim.RMSprop):
            # torch makes this buffer at the first step only, and only where momentum was above 0 then
            for state in self._inner.state.values():
                state.setdefault("momentum_buffer", torch.zeros_like(state["square_avg"]))

    def state_dict(self) -> dict[str, Tensor]:
        """Return torch's per-parameter state."""
        per_param: dict[int, dict[str, Any]] = self._inner.state_dict()["state"]
        return {
            f"{i}.{name}": value for i, state in per_param.items() for name, value in state.items() if value is not None
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Give torch its state back, on the parameters' device."""
        per_param: dict[int, dict[str, Tensor]] = {}
        for key, value in state.items():
            index, _, name = key.partition(".")
            per_param.setdefault(int(index), {})[name] = value.clone()
        groups = self._inner.state_dict()["param_groups"]
        self._inner.load_state_dict({"state": per_param, "param_groups": groups})


def sgd(spec: SgdOptimizer, around: Surroundings) -> TorchRule:
    """Build SGD, with momentum and Nesterov's form where asked for."""
    params = (around.params_P,)
    return TorchRule(
        params,
        torch.optim.SGD(
            params, lr=spec.lr, momentum=spec.momentum, nesterov=spec.nesterov, weight_decay=spec.weight_decay
        ),
    )


def rmsprop(spec: RmspropOptimizer, around: Surroundings) -> TorchRule:
    """Build RMSProp."""
    params = (around.params_P,)
    return TorchRule(
        params,
        torch.optim.RMSprop(
            params,
            lr=spec.lr,
            alpha=spec.alpha,
            eps=spec.eps,
            momentum=spec.momentum,
            weight_decay=spec.weight_decay,
        ),
    )


def adagrad(spec: AdagradOptimizer, around: Surroundings) -> TorchRule:
    """Build Adagrad."""
    params = (around.params_P,)
    return TorchRule(params, torch.optim.Adagrad(params, lr=spec.lr, eps=spec.eps, weight_decay=spec.weight_decay))


def adam(spec: AdamOptimizer, around: Surroundings) -> TorchRule:
    """Build Adam, or AMSGrad."""
    return _adam(torch.optim.Adam, spec, around)


def adamw(spec: AdamWOptimizer, around: Surroundings) -> TorchRule:
    """Build AdamW."""
    return _adam(torch.optim.AdamW, spec, around)


def _adam(rule: type[torch.optim.Adam], spec: AdamOptimizer | AdamWOptimizer, around: Surroundings) -> TorchRule:
    params = (around.params_P,)
    inner = rule(
        params,
        lr=spec.lr,
        betas=(spec.beta1, spec.beta2),
        eps=spec.eps,
        weight_decay=spec.weight_decay,
        amsgrad=spec.amsgrad,
    )
    return TorchRule(params, inner)
