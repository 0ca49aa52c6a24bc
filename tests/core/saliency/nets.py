"""Functions and networks whose maps are known, or that captum can explain too."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def last(estimates: object) -> Tensor:
    """The final map of a method."""
    *_, end = estimates  # type: ignore[misc]
    assert end.final
    found: Tensor = end.map
    return found


class Pictures(nn.Module):
    """Two convolutions and a dense layer, with modules for every nonlinearity."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.relu1 = nn.Conv2d(2, 4, 3, padding=1), nn.ReLU()
        self.second, self.relu2 = nn.Conv2d(4, 6, 3, padding=1), nn.ReLU()
        self.pool, self.dense = nn.AvgPool2d(2), nn.Linear(6 * 4 * 4, 5)
        self.double()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu2(self.second(self.relu1(self.first(x))))
        out: Tensor = self.dense(self.pool(x).flatten(1))
        return out


class InOtherWords(Pictures):
    """The same network with ReLU as a function, as a method and in place."""

    way: Callable[[Tensor], Tensor] = staticmethod(F.relu)

    def forward(self, x: Tensor) -> Tensor:
        x = self.way(self.second(self.way(self.first(x))))
        out: Tensor = self.dense(self.pool(x).flatten(1))
        return out


WAYS: dict[str, Callable[[Tensor], Tensor]] = {
    "F.relu": F.relu,
    "torch.relu": torch.relu,
    "method": lambda z: z.relu(),
    "in place": lambda z: z.relu_(),
    "torch.relu_": lambda z: torch.relu_(z),
    "F.relu in place": lambda z: F.relu(z, inplace=True),
    "module": nn.ReLU(),
}


def scored(net: nn.Module, target_N: Tensor) -> Callable[[Tensor], Tensor]:
    """The logit of these targets."""

    def score(x: Tensor) -> Tensor:
        out: Tensor = net(x).gather(1, target_N.repeat(len(x) // len(target_N))[:, None])[:, 0]
        return out

    return score
