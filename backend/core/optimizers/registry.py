"""Which builder makes the optimizer of which spec: one line a rule."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from backend.core.optimizers import torch_rules
from backend.core.optimizers.base import Optimizer
from backend.core.problems.params import Layout
from backend.schemas.optimizer import AnyOptimizer, OptimizerSpec
from backend.schemas.optimizer.adagrad import AdagradOptimizer
from backend.schemas.optimizer.adam import AdamOptimizer
from backend.schemas.optimizer.adamw import AdamWOptimizer
from backend.schemas.optimizer.rmsprop import RmspropOptimizer
from backend.schemas.optimizer.sgd import SgdOptimizer

Builder = Callable[[Any, Sequence[Tensor], Layout], Optimizer]

OPTIMIZERS: tuple[tuple[type[OptimizerSpec], Builder], ...] = (
    (SgdOptimizer, torch_rules.sgd),
    (RmspropOptimizer, torch_rules.rmsprop),
    (AdagradOptimizer, torch_rules.adagrad),
    (AdamOptimizer, torch_rules.adam),
    (AdamWOptimizer, torch_rules.adamw),
)


def build_optimizer(spec: AnyOptimizer, params: Sequence[Tensor], layout: Layout) -> Optimizer:
    """Make the optimizer that a spec describes.

    Args:
        spec: the rule with its hyper-parameters.
        params: the leaves that it moves; a race gives one, the flat vector [P].
        layout: the named tensors within them, for rules that act on matrices.

    Returns:
        The optimizer, before its first step.

    Raises:
        LookupError: where no builder is listed for this spec.

    Example:
        One step of gradient descent on f(θ) = θ², at rate 0.1 from θ = 1.

        >>> import torch
        >>> from backend.schemas.optimizer import SgdOptimizer
        >>> params_P = torch.ones(1)
        >>> optimizer = build_optimizer(SgdOptimizer(lr=0.1), (params_P,), Layout((("x", (1,)),)))
        >>> loss, grad_P = optimizer.step(lambda: ((params_P**2).sum(), 2 * params_P))
        >>> loss.item(), round(params_P.item(), 6)
        (1.0, 0.8)
    """
    for kind, build in OPTIMIZERS:
        if type(spec) is kind:
            return build(spec, params, layout)
    raise LookupError(f"no builder makes a {type(spec).__name__}; add it to OPTIMIZERS in {__name__}")
