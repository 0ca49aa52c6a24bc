"""What is explained: one output of a network at one point of its parameters, as a function of its inputs.

Shapes: N examples, C outputs, F… an input's own shape.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from backend.core.analyses.base import Moment
from backend.core.problems.pooling import QuickPooling
from backend.core.problems.problem import Problem


class BadTarget(ValueError):
    """There is no such output."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """A map as far as it is known.

    Attributes:
        map: [N, F…] or, of a method that works on pictures alone, [N, height, width].
        samples: model evaluations of each example behind it.
        final: whether it is as good as it was asked to be.
    """

    map: Tensor
    samples: int
    final: bool


Estimates = Iterator[Estimate]
Score = Callable[[Tensor], Tensor]  # inputs [N, F…] → one number an example [N]


@dataclass(frozen=True, eq=False)
class Explained:
    """f_c: the logit (not the probability) of each example's target, BatchNorm frozen.

    Args:
        problem: a network on data.
        moment: its parameters; never written to.
    """

    problem: Problem
    moment: Moment

    def outputs(self, x: Tensor) -> Tensor:
        """Return all logits [N, C]."""
        return self.problem.outputs(self.moment.params_P, self.moment.buffers_B, x)

    def score(self, target_N: Tensor) -> Score:
        """Make f_c of these targets; inputs may come several times over, [k·N, F…], in the targets' order.

        Args:
            target_N: which output of each example.

        Returns:
            The function.

        Raises:
            BadTarget: where there is no such output.
        """
        outputs = self.width
        if not bool(((target_N >= 0) & (target_N < outputs)).all()):
            raise BadTarget(
                f"The network has the outputs 0 to {outputs - 1}, and the target is {int(target_N.max())}; "
                "choose one of these."
            )

        def of(x: Tensor) -> Tensor:
            wanted = target_N.repeat(len(x) // len(target_N))
            return self.outputs(x).gather(1, wanted[:, None])[:, 0]

        return of

    @property
    def width(self) -> int:
        """C, the number of outputs."""
        if self.problem.train is None:
            raise BadTarget("Saliency needs a network on data, and this problem is a function of its parameters alone.")
        with torch.no_grad():
            return int(self.outputs(self.problem.train.x[:1]).shape[1])


def slope(score: Score, x: Tensor) -> Tensor:
    """Return ∂f_c/∂x at each example, of the inputs' shape."""
    x = x.detach().requires_grad_()
    with QuickPooling(), torch.enable_grad():
        (found,) = torch.autograd.grad(score(x).sum(), x)
    return found


def drawn(count: int, x: Tensor, generator: Generator) -> Tensor:
    """Draw standard normal noise [count, N, F…], the same in whatever pieces it is asked for."""
    noise = [torch.randn(x.shape, generator=generator, dtype=x.dtype) for _ in range(count)]
    return torch.stack(noise).to(x.device)


FIRST = 8  # samples of the first piece: a picture that is there at once


def pieces(samples: int, most: int) -> Iterator[tuple[int, int]]:
    """Yield where each piece of the samples starts, and its size: 8, then as many as there are, up to ``most``.

    Example:
        >>> list(pieces(50, 16))
        [(0, 8), (8, 8), (16, 16), (32, 16), (48, 2)]
    """
    done = 0
    while done < samples:
        count = min(max(min(FIRST, most), min(done, most)), samples - done)
        yield done, count
        done += count
