"""Curves of low loss: the bends between two ends are trained.

Shapes: P parameters, n control points.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Generator, Tensor

from backend.core.geometry.curve import Curve

LossAt = Callable[[Tensor], Tensor]  # parameters [P] → loss of a fresh batch


def train_bends(curve: Curve, loss_at: LossAt, steps: int, lr: float, generator: Generator) -> Iterator[Curve]:
    """Minimise E over t of L(θ(t)), t uniform on [0, 1], over the bends; the ends stay.

    Each step draws one t, and moves bend k along cₖ(t)·∇L(θ(t)) by Adam's rule. (The average is over t and not over
    the curve's length, as in the paper's practice.)

    Garipov et al. 2018, Loss surfaces, mode connectivity, and fast ensembling of DNNs, section 3.2.

    Args:
        curve: where to begin; left as it is.
        loss_at: the loss of a batch, a new one at each call.
        steps: of training.
        lr: Adam's learning rate; it falls to 0 over the second half, linearly.
        generator: of t.

    Yields:
        The curve after each step.
    """
    ends_2P = curve.controls_nP[[0, -1]]
    bends_kP = curve.controls_nP[1:-1].clone().requires_grad_()
    adam = torch.optim.Adam([bends_kP], lr=lr)
    for step in range(steps):
        adam.param_groups[0]["lr"] = lr * min(1.0, 2 * (1 - step / steps))
        t = float(torch.rand((), generator=generator, dtype=torch.float64))
        moving = replace(curve, controls_nP=torch.cat([ends_2P[:1], bends_kP, ends_2P[1:]]))
        adam.zero_grad()
        loss_at(moving.at(t)).backward()
        adam.step()
        yield replace(curve, controls_nP=torch.cat([ends_2P[:1], bends_kP.detach().clone(), ends_2P[1:]]))
