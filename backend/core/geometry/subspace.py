"""Training inside a random subspace.

Shapes: P parameters in all, d dimensions of the subspace.
"""

from collections.abc import Callable, Iterator
from typing import Final, Literal

import torch
from torch import Generator, Tensor

Rule = Literal["adam", "lbfgs"]
LossAt = Callable[[Tensor], Tensor]  # parameters [P] → loss
Slope = Callable[[], tuple[Tensor, Tensor]]  # loss and gradient [d] where z is now
HISTORY: Final = 20
HALVINGS: Final = 60
TINY: Final = 1e-12
MOST: Final = 200_000_000  # numbers of a projection, about a gigabyte


def projection(size: int, dimensions: int, generator: Generator, like: Tensor) -> Tensor:
    """Draw P [P, d] with Gaussian entries, each column scaled to length 1.

    Args:
        size: number of parameters.
        dimensions: of the subspace.
        generator: on the CPU.
        like: gives number format and device.

    Returns:
        The projection; nearly orthogonal while d is much smaller than P.

    Example:
        >>> P = projection(50, 3, torch.Generator(), torch.zeros(1, dtype=torch.float64))
        >>> [round(float(n), 12) for n in P.norm(dim=0)]
        [1.0, 1.0, 1.0]
    """
    drawn_Pd = torch.randn(size, dimensions, generator=generator, dtype=like.dtype)
    drawn_Pd /= torch.linalg.vector_norm(drawn_Pd, dim=0)
    return drawn_Pd.to(like.device)


def train_inside(
    origin_P: Tensor, directions_Pd: Tensor | None, loss_at: LossAt, rule: Rule, steps: int, lr: float
) -> Iterator[Tensor]:
    """Minimise L(θ₀ + P·z) over z, from z = 0; without directions over all parameters (P the identity).

    Li, Farkhoor, Liu & Yosinski 2018, Measuring the intrinsic dimension of objective landscapes, section 2.

    Args:
        origin_P: θ₀; left as it is.
        directions_Pd: P.
        loss_at: the loss of a batch, for Adam a new one at each call.
        rule: Adam, whose rate falls to 0 over the second half; or L-BFGS.
        steps: of the rule.
        lr: Adam's rate.

    Yields:
        θ [P] after each step. It ends early where L-BFGS finds no way down.
    """
    size = origin_P.numel() if directions_Pd is None else directions_Pd.shape[1]
    z_d = torch.zeros(size, dtype=origin_P.dtype, device=origin_P.device, requires_grad=True)

    def place() -> Tensor:
        return origin_P + (z_d if directions_Pd is None else directions_Pd @ z_d)

    def slope() -> tuple[Tensor, Tensor]:
        loss = loss_at(place())
        (grad_d,) = torch.autograd.grad(loss, z_d)
        return loss.detach(), grad_d

    moves = _adam(z_d, slope, steps, lr) if rule == "adam" else lbfgs(z_d, slope, steps)
    for _ in moves:
        yield place().detach()


def _adam(z_d: Tensor, slope: Slope, steps: int, lr: float) -> Iterator[None]:
    adam = torch.optim.Adam([z_d], lr=lr)
    for step in range(steps):
        adam.param_groups[0]["lr"] = lr * min(1.0, 2 * (1 - step / steps))
        _, z_d.grad = slope()
        adam.step()
        yield


@torch.no_grad()
def _moved(z_d: Tensor, by_d: Tensor) -> None:
    z_d += by_d


def lbfgs(z_d: Tensor, slope: Slope, steps: int) -> Iterator[None]:
    """Minimise by L-BFGS, in place: two loops over the last 20 moves, and halving until the loss falls enough.

    A move must bring ¹⁄₁₀₀₀₀ of what the slope promises (Armijo's condition); pairs of negative curvature are not
    remembered. (The line search of ``torch.optim.LBFGS`` gives up far from the minimum on such problems.)

    Nocedal & Wright 2006, Numerical optimization, algorithms 3.1 and 7.4.

    Args:
        z_d: where to start; moved.
        slope: loss and gradient where it is now.
        steps: at most.

    Yields:
        After each move; it ends where none leads down.
    """
    moves: list[tuple[Tensor, Tensor]] = []  # (move, change of the gradient)
    loss, grad_d = slope()
    for _ in range(steps):
        down_d = -_smoothed(grad_d, moves)
        promise = float(grad_d @ down_d)
        if promise >= 0:
            moves, down_d, promise = [], -grad_d, -float(grad_d @ grad_d)
        length = 1.0 if moves else min(1.0, 1 / max(float(grad_d.abs().sum()), TINY))
        start_d, before_d = z_d.detach().clone(), grad_d
        for _ in range(HALVINGS):
            _moved(z_d, start_d + length * down_d - z_d.detach())
            reached, grad_d = slope()
            if reached <= loss + 1e-4 * length * promise:
                break
            length /= 2
        else:
            _moved(z_d, start_d - z_d.detach())
            return
        step_d, change_d = z_d.detach() - start_d, grad_d - before_d
        if float(step_d @ change_d) > TINY * float(change_d @ change_d):
            moves = [*moves, (step_d, change_d)][-HISTORY:]
        stuck, loss = not bool(reached < loss), reached
        yield
        if stuck:
            return


def _smoothed(grad_d: Tensor, moves: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Multiply a gradient by L-BFGS's estimate of the inverse Hessian."""
    q_d, weights = grad_d.clone(), []
    for s_d, y_d in reversed(moves):
        weights.append(float(s_d @ q_d) / float(s_d @ y_d))
        q_d = q_d - weights[-1] * y_d
    if moves:
        s_d, y_d = moves[-1]
        q_d = q_d * (float(s_d @ y_d) / float(y_d @ y_d))
    for (s_d, y_d), weight in zip(moves, reversed(weights), strict=True):
        q_d = q_d + (weight - float(y_d @ q_d) / float(s_d @ y_d)) * s_d
    return q_d
