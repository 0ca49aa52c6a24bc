"""Second derivatives of a network by its inputs: carried forward together (jets), or by differentiating it again.

One gradient, by the parameters, of the mean squared residual of Poisson's equation; the networks and numbers of points
are those that the equations have by default. All sides compute the same loss.
"""

from typing import Final

import torch
from torch import Tensor
from torch.func import grad, jvp

from backend.core.problems.pde.poisson import Poisson
from backend.core.problems.pde.problem import DifferentialEquation
from backend.core.problems.pde.trial import Trial
from backend.schemas.problem.pde import PoissonPde
from benchmarks.record import Figure, faster, in_turn, write

GOAL: Final = 1.5
REPEATS: Final = 15


def figure(dim: int, points: int) -> Figure:
    """Compare the sides for one dimension of space.

    Args:
        dim: 1, 2 or 10.
        points: of the loss.

    Returns:
        How many times faster jets are than the faster of the others.

    Raises:
        ArithmeticError: where the sides do not compute the same.
    """
    spec = PoissonPde(dim=dim, points=points)  # type: ignore[arg-type]
    problem = DifferentialEquation(spec, torch.float64, torch.device("cpu"))
    trial = Trial(spec, Poisson(spec), torch.float64, torch.device("cpu"))
    params_P, no_buffers = problem.params0(0)
    params_P.requires_grad_()
    assert problem.train is not None
    x_ND, f_N1 = problem.train.x, problem.train.y

    def u(at_ND: Tensor) -> Tensor:
        return trial.at(params_P, trial.known(at_ND).values_alone()).value.sum()

    def forward_over_reverse() -> Tensor:
        found = torch.zeros_like(f_N1)
        for along_D in torch.eye(dim, dtype=x_ND.dtype):
            bent_ND = jvp(grad(u), (x_ND,), (along_D.expand_as(x_ND),))[1]
            found = found + (bent_ND * along_D).sum(1, keepdim=True)
        return (-found - f_N1).square().mean()

    def reverse_over_reverse() -> Tensor:
        at_ND = x_ND.clone().requires_grad_()
        (slope_ND,) = torch.autograd.grad(u(at_ND), at_ND, create_graph=True)
        bends = [
            torch.autograd.grad(slope_ND[:, j].sum(), at_ND, create_graph=True)[0][:, j : j + 1] for j in range(dim)
        ]
        return (-torch.stack(bends).sum(0) - f_N1).square().mean()

    losses = {
        "jets": lambda: problem.loss(params_P, no_buffers),
        "forward over reverse": forward_over_reverse,
        "reverse over reverse": reverse_over_reverse,
    }
    values = {name: float(loss().detach()) for name, loss in losses.items()}
    if max(values.values()) - min(values.values()) > 1e-8 * values["jets"]:
        raise ArithmeticError(f"expected the same loss from all sides, got {values}")
    sides = {name: (lambda loss=loss: torch.autograd.grad(loss(), params_P)) for name, loss in losses.items()}
    samples = in_turn(sides, REPEATS)
    where = f"{dim} dimension{'s' if dim > 1 else ''}"
    what = f"gradient of Poisson's residual in {where}: jets against differentiating the network again"
    return faster(what, samples, "jets", ["forward over reverse", "reverse over reverse"], GOAL)


def main() -> None:
    """Measure one, two and ten dimensions."""
    torch.set_num_threads(1)
    write("laplacian", "Laplacians of networks", [figure(1, 500), figure(2, 1000), figure(10, 1000)], threads=1)


if __name__ == "__main__":
    main()
