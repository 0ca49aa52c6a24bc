"""The rules of ``torch.optim`` that act element by element: they step the flat vector itself, in one operation each.

``foreach`` is for many tensors; said here so that no step asks which way to take.
"""

import torch

from backend.core.optimizers.provided import Provided
from backend.core.optimizers.surroundings import Surroundings
from backend.schemas.optimizer.adadelta import AdadeltaOptimizer
from backend.schemas.optimizer.adagrad import AdagradOptimizer
from backend.schemas.optimizer.adam import AdamOptimizer
from backend.schemas.optimizer.adamw import AdamWOptimizer
from backend.schemas.optimizer.nadam import NadamOptimizer
from backend.schemas.optimizer.radam import RadamOptimizer
from backend.schemas.optimizer.rmsprop import RmspropOptimizer
from backend.schemas.optimizer.sgd import SgdOptimizer


def sgd(spec: SgdOptimizer, around: Surroundings) -> Provided:
    """Build SGD, with momentum and Nesterov's form where asked for."""
    params = (around.params_P,)
    return Provided(
        params,
        torch.optim.SGD(
            params,
            lr=spec.lr,
            momentum=spec.momentum,
            nesterov=spec.nesterov,
            weight_decay=spec.weight_decay,
            foreach=False,
        ),
    )


def rmsprop(spec: RmspropOptimizer, around: Surroundings) -> Provided:
    """Build RMSProp."""
    params = (around.params_P,)
    return Provided(
        params,
        torch.optim.RMSprop(
            params,
            lr=spec.lr,
            alpha=spec.alpha,
            eps=spec.eps,
            momentum=spec.momentum,
            weight_decay=spec.weight_decay,
            foreach=False,
        ),
    )


def adagrad(spec: AdagradOptimizer, around: Surroundings) -> Provided:
    """Build Adagrad."""
    params = (around.params_P,)
    return Provided(
        params, torch.optim.Adagrad(params, lr=spec.lr, eps=spec.eps, weight_decay=spec.weight_decay, foreach=False)
    )


def adadelta(spec: AdadeltaOptimizer, around: Surroundings) -> Provided:
    """Build Adadelta."""
    params = (around.params_P,)
    return Provided(
        params, torch.optim.Adadelta(params, lr=spec.lr, rho=spec.rho, eps=spec.eps, weight_decay=spec.weight_decay)
    )


def adam(spec: AdamOptimizer, around: Surroundings) -> Provided:
    """Build Adam, or AMSGrad."""
    return _adam(torch.optim.Adam, spec, around)


def adamw(spec: AdamWOptimizer, around: Surroundings) -> Provided:
    """Build AdamW."""
    return _adam(torch.optim.AdamW, spec, around)


def nadam(spec: NadamOptimizer, around: Surroundings) -> Provided:
    """Build NAdam."""
    params = (around.params_P,)
    inner = torch.optim.NAdam(
        params,
        lr=spec.lr,
        betas=(spec.beta1, spec.beta2),
        eps=spec.eps,
        weight_decay=spec.weight_decay,
        momentum_decay=spec.momentum_decay,
        foreach=False,
    )
    return Provided(params, inner)


def radam(spec: RadamOptimizer, around: Surroundings) -> Provided:
    """Build RAdam."""
    params = (around.params_P,)
    inner = torch.optim.RAdam(
        params,
        lr=spec.lr,
        betas=(spec.beta1, spec.beta2),
        eps=spec.eps,
        weight_decay=spec.weight_decay,
        foreach=False,
    )
    return Provided(params, inner)


def _adam(rule: type[torch.optim.Adam], spec: AdamOptimizer | AdamWOptimizer, around: Surroundings) -> Provided:
    params = (around.params_P,)
    inner = rule(
        params,
        lr=spec.lr,
        betas=(spec.beta1, spec.beta2),
        eps=spec.eps,
        weight_decay=spec.weight_decay,
        amsgrad=spec.amsgrad,
        foreach=False,
    )
    return Provided(params, inner)
