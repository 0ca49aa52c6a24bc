"""L-BFGS, one iteration a step.

Shapes: P parameters.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from backend.core.optimizers.provided import Provided
from backend.core.optimizers.surroundings import Surroundings
from backend.core.problems.problem import LossAndGrad
from backend.schemas.optimizer.lbfgs import LbfgsOptimizer


class Lbfgs:
    """torch's L-BFGS: direction −H·g from the last moves and gradient differences, a strong Wolfe search along it.

    A step costs one gradient and those of the search. The batch stays the same within a step; from one batch to the
    next the gradient differences hold noise, so that it is a rule for full batches. Without a line search the move is
    η times the direction (the first one η/‖g‖₁ at most).

    Liu & Nocedal 1989, On the limited memory BFGS method for large scale optimization.
    """

    def __init__(self, spec: LbfgsOptimizer, around: Surroundings) -> None:
        params = (around.params_P,)
        inner = torch.optim.LBFGS(
            params,
            lr=spec.lr,
            max_iter=1,
            max_eval=spec.max_evaluations,
            tolerance_grad=0.0,
            tolerance_change=0.0,
            history_size=spec.history,
            line_search_fn="strong_wolfe" if spec.line_search else None,
        )
        self._params_P, self._inner = around.params_P, inner
        self._provided = Provided(params, inner)

    def step(self, loss_and_grad: LossAndGrad) -> tuple[Tensor, Tensor]:
        """Take one iteration; the first evaluation is at the point before the move."""
        seen: list[tuple[Tensor, Tensor]] = []

        def closure() -> Tensor:
            seen.append(loss_and_grad())
            self._params_P.grad = seen[-1][1].clone()
            return seen[-1][0]

        self._inner.step(closure)
        return seen[0]

    def set(self, field: str, value: float) -> None:
        """Change the first trial step of the search (or the step itself, without one)."""
        self._provided.set(field, value)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the history of moves and gradient differences."""
        return self._provided.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Give the history back."""
        self._provided.load_state_dict(state)
