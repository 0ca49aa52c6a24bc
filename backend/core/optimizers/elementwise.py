"""The rules of ``pytorch_optimizer`` that act element by element, and Gravity. The package loads when one is built."""

import torch

from backend.core.optimizers.provided import Provided
from backend.core.optimizers.surroundings import Surroundings
from backend.schemas.optimizer.ademamix import AdEMAMixOptimizer
from backend.schemas.optimizer.diffgrad import DiffGradOptimizer
from backend.schemas.optimizer.gravity import GravityOptimizer
from backend.schemas.optimizer.laprop import LaPropOptimizer
from backend.schemas.optimizer.lion import LionOptimizer


def lion(spec: LionOptimizer, around: Surroundings) -> Provided:
    """Build Lion."""
    from pytorch_optimizer import Lion

    params = (around.params_P,)
    betas = (spec.beta1, spec.beta2)
    return Provided(params, Lion(params, lr=spec.lr, betas=betas, weight_decay=spec.weight_decay, foreach=False))


def diffgrad(spec: DiffGradOptimizer, around: Surroundings) -> Provided:
    """Build diffGrad."""
    from pytorch_optimizer import DiffGrad

    params = (around.params_P,)
    inner = DiffGrad(
        params,
        lr=spec.lr,
        betas=(spec.beta1, spec.beta2),
        eps=spec.eps,
        weight_decay=spec.weight_decay,
        foreach=False,
    )
    return Provided(params, inner)


def laprop(spec: LaPropOptimizer, around: Surroundings) -> Provided:
    """Build LaProp."""
    from pytorch_optimizer import LaProp

    params = (around.params_P,)
    inner = LaProp(
        params,
        lr=spec.lr,
        betas=(spec.beta1, spec.beta2),
        eps=spec.eps,
        weight_decay=spec.weight_decay,
        centered=spec.centered,
        foreach=False,  # its other form corrects the bias in single precision
    )
    return Provided(params, inner)


def ademamix(spec: AdEMAMixOptimizer, around: Surroundings) -> Provided:
    """Build AdEMAMix."""
    from pytorch_optimizer import AdEMAMix

    params = (around.params_P,)
    inner = AdEMAMix(
        params,
        lr=spec.lr,
        betas=(spec.beta1, spec.beta2, spec.beta3),
        eps=spec.eps,
        weight_decay=spec.weight_decay,
        alpha=spec.alpha,
        t_alpha_beta3=float(spec.warmup) if spec.warmup else None,
        foreach=False,
    )
    return Provided(params, inner)


def gravity(spec: GravityOptimizer, around: Surroundings) -> Provided:
    """Build Gravity; its first velocity is drawn from the lane's own stream, not from torch's global one."""
    from pytorch_optimizer import Gravity

    views = around.layout.parts(around.params_P.detach())  # it looks at each tensor's largest gradient
    inner = Gravity(views, lr=spec.lr, alpha=spec.alpha, beta=spec.beta, foreach=False)
    for view in views:
        velocity = torch.randn(view.shape, generator=around.generator, dtype=torch.float64) * (spec.alpha / spec.lr)
        inner.state[view]["v"] = velocity.to(view)
    return Provided(views, inner)
