"""Trial functions: what is fitted to a differential equation.

Shapes: N points, F features, W units of a layer, D coordinates, P parameters in all.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Generator, Tensor, nn

from backend.core.problems.params import Layout
from backend.core.problems.pde.jets import Jet, add, linear, swish


class Ansatz(Protocol):
    """A function of a point's features and of parameters, which come in its layout's order."""

    layout: Layout

    def initial(self, generator: Generator) -> Tensor:
        """Draw the parameters [P], float64 on the CPU."""
        ...

    def forward(self, params: Sequence[Tensor], features: Jet, curved_D: Tensor) -> Jet:
        """Return the function [N, 1] with its derivatives."""
        ...


class ResidualNetwork:
    """s₀ = W₀x + b₀; s ← s + φ(W₂ φ(W₁ s + b₁) + b₂) for each block; w·s + b, with the swish φ.

    Weights start from Xavier's normal distribution, of variance 2/(inputs + outputs), biases at 0, as in the code of
    Wu et al. (github.com/wukekever/landscapes).

    Args:
        features: F.
        width: W.
        blocks: how many.
    """

    def __init__(self, features: int, width: int, blocks: int) -> None:
        self.blocks = blocks
        shapes = [("in", width, features)]
        shapes += [(f"blocks.{block}.{layer}", width, width) for block in range(blocks) for layer in (0, 1)]
        shapes += [("out", 1, width)]
        self.layout = Layout(
            tuple(
                entry
                for name, rows, columns in shapes
                for entry in ((f"{name}.weight", (rows, columns)), (f"{name}.bias", (rows,)))
            )
        )

    def initial(self, generator: Generator) -> Tensor:
        """Draw the weights; biases are 0."""
        parts = []
        for _, shape in self.layout.entries:
            drawn = torch.zeros(shape, dtype=torch.float64)
            if len(shape) == 2:
                nn.init.xavier_normal_(drawn, generator=generator)
            parts.append(drawn.flatten())
        return torch.cat(parts)

    def forward(self, params: Sequence[Tensor], features: Jet, curved_D: Tensor) -> Jet:
        """Return the network's output with its derivatives."""
        s = linear(features, params[0], params[1])
        for block in range(self.blocks):
            W1, b1, W2, b2 = params[2 + 4 * block : 6 + 4 * block]
            s = add(s, swish(linear(swish(linear(s, W1, b1), curved_D), W2, b2), curved_D))
        return linear(s, params[-2], params[-1])


class Series:
    """u = Σₖ cₖ ψₖ(x): linear in the parameters; the features are the ψₖ, and the coefficients start at N(0, 1).

    Args:
        features: how many functions ψₖ.
    """

    def __init__(self, features: int) -> None:
        self.layout = Layout((("coefficients", (1, features)),))

    def initial(self, generator: Generator) -> Tensor:
        """Draw the coefficients."""
        return torch.randn(self.layout.size, generator=generator, dtype=torch.float64)

    def forward(self, params: Sequence[Tensor], features: Jet, curved_D: Tensor) -> Jet:
        """Return the sum with its derivatives."""
        return linear(features, params[0], None)
