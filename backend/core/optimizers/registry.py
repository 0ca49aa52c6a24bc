"""Which builder makes the optimizer of which spec: one line a rule."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backend.core.optimizers import (
    aegd,
    cbo,
    elementwise,
    entropy_sgd,
    forward_gradient,
    induced_metric,
    natural_gradient,
    newton,
    oasis,
    optimistic_amsgrad,
    saddle_free_newton,
    torch_rules,
    vrgd,
    xgrad,
)
from backend.core.optimizers.base import Optimizer
from backend.core.optimizers.lbfgs import Lbfgs
from backend.core.optimizers.matrices import Muon, no_matrices, psgd, soap
from backend.core.optimizers.own import own
from backend.core.optimizers.sam import Sam
from backend.core.optimizers.surroundings import Surroundings
from backend.core.problems.problem import Problem
from backend.schemas.optimizer import (
    AdadeltaOptimizer,
    AdagradOptimizer,
    AdamOptimizer,
    AdamWOptimizer,
    AdEMAMixOptimizer,
    AegdOptimizer,
    AnyOptimizer,
    CboOptimizer,
    DiffGradOptimizer,
    EntropySgdOptimizer,
    ForwardGradientOptimizer,
    GravityOptimizer,
    InducedMetricOptimizer,
    LaPropOptimizer,
    LbfgsOptimizer,
    LionOptimizer,
    MuonOptimizer,
    NadamOptimizer,
    NaturalGradientOptimizer,
    NewtonOptimizer,
    OasisOptimizer,
    OptimisticAmsgradOptimizer,
    OptimizerSpec,
    PsgdOptimizer,
    RadamOptimizer,
    RmspropOptimizer,
    SaddleFreeNewtonOptimizer,
    SamOptimizer,
    SgdOptimizer,
    SoapOptimizer,
    VrgdOptimizer,
    XGradOptimizer,
)


def anywhere(spec: OptimizerSpec, problem: Problem) -> str | None:
    """Return None: the rule works on every problem."""
    return None


@dataclass(frozen=True)
class Rule:
    """A spec, what makes its optimizer, and on which problems it does not work."""

    spec: type[OptimizerSpec]
    build: Callable[[Any, Surroundings], Optimizer]
    unsupported: Callable[[Any, Problem], str | None] = anywhere  # None, or the sentence that says why not
    # Whether the first thing that a step asks for is the gradient of its batch where it stands, whatever comes after;
    # then that of several lanes can be taken side by side. Not SOAP: where gradients have little rank its eigenvectors
    # are not determined, and rounding chooses among them.
    abreast: bool = False


OPTIMIZERS: tuple[Rule, ...] = (
    Rule(SgdOptimizer, torch_rules.sgd, abreast=True),
    Rule(RmspropOptimizer, torch_rules.rmsprop, abreast=True),
    Rule(AdagradOptimizer, torch_rules.adagrad, abreast=True),
    Rule(AdadeltaOptimizer, torch_rules.adadelta, abreast=True),
    Rule(AdamOptimizer, torch_rules.adam, abreast=True),
    Rule(AdamWOptimizer, torch_rules.adamw, abreast=True),
    Rule(NadamOptimizer, torch_rules.nadam, abreast=True),
    Rule(RadamOptimizer, torch_rules.radam, abreast=True),
    Rule(LionOptimizer, elementwise.lion, abreast=True),
    Rule(DiffGradOptimizer, elementwise.diffgrad, abreast=True),
    Rule(LaPropOptimizer, elementwise.laprop, abreast=True),
    Rule(AdEMAMixOptimizer, elementwise.ademamix, abreast=True),
    Rule(GravityOptimizer, elementwise.gravity, abreast=True),
    Rule(MuonOptimizer, Muon, no_matrices, abreast=True),
    Rule(PsgdOptimizer, psgd, no_matrices, abreast=True),
    Rule(SoapOptimizer, soap, no_matrices),
    Rule(SamOptimizer, Sam, abreast=True),
    Rule(LbfgsOptimizer, Lbfgs),
    Rule(XGradOptimizer, own(xgrad.xgrad)),
    Rule(InducedMetricOptimizer, own(induced_metric.induced_metric), abreast=True),
    Rule(AegdOptimizer, own(aegd.aegd), abreast=True),
    Rule(OptimisticAmsgradOptimizer, own(optimistic_amsgrad.optimistic_amsgrad), abreast=True),
    Rule(VrgdOptimizer, own(vrgd.vrgd), vrgd.unsupported),
    Rule(EntropySgdOptimizer, own(entropy_sgd.entropy_sgd)),
    Rule(NewtonOptimizer, own(newton.newton), newton.unsupported),
    Rule(SaddleFreeNewtonOptimizer, own(saddle_free_newton.saddle_free_newton), saddle_free_newton.unsupported),
    Rule(NaturalGradientOptimizer, own(natural_gradient.natural_gradient), natural_gradient.unsupported),
    Rule(OasisOptimizer, own(oasis.oasis, oasis.begin)),
    Rule(ForwardGradientOptimizer, own(forward_gradient.forward_gradient)),
    Rule(CboOptimizer, own(cbo.cbo)),
)


def rule_of(spec: OptimizerSpec) -> Rule:
    """Look up a spec's rule.

    Args:
        spec: the rule with its hyper-parameters.

    Returns:
        Its row of the registry.

    Raises:
        LookupError: where none is listed for this spec.
    """
    for rule in OPTIMIZERS:
        if type(spec) is rule.spec:
            return rule
    raise LookupError(f"no builder makes a {type(spec).__name__}; add it to OPTIMIZERS in {__name__}")


def build_optimizer(spec: AnyOptimizer, around: Surroundings) -> Optimizer:
    """Make the optimizer that a spec describes.

    Args:
        spec: the rule with its hyper-parameters; LookupError where no builder is listed for it.
        around: the leaf that it moves, and what it may ask.

    Returns:
        The optimizer, before its first step.

    Example:
        One step of gradient descent on f(x, y) = ½(x² + 4y²), at rate 0.1 from (1, 1).

        >>> import torch
        >>> from backend.core.optimizers.surroundings import surround
        >>> from backend.core.problems.build import build_problem
        >>> from backend.schemas.optimizer import SgdOptimizer
        >>> from backend.schemas.problem import FunctionProblem
        >>> from backend.schemas.problem.function import QuadraticFunction
        >>> bowl = FunctionProblem(function=QuadraticFunction(condition=4.0, start=(1.0, 1.0)))
        >>> problem = build_problem(bowl, torch.float64, torch.device("cpu"))
        >>> params_P, buffers_B = problem.params0(0)
        >>> around = surround(problem, params_P.requires_grad_(), buffers_B)
        >>> optimizer = build_optimizer(SgdOptimizer(lr=0.1), around)
        >>> loss, grad_P = optimizer.step(around.objective.loss_and_grad)
        >>> loss.item(), params_P.tolist()
        (2.5, [0.9, 0.6])
    """
    return rule_of(spec).build(spec, around)
