"""What one step of an update rule costs: gradient evaluations, and the memory of its state."""

from dataclasses import dataclass

from backend.jobs.costs.size import Size
from backend.schemas.optimizer import AnyOptimizer
from backend.schemas.run import Lane

EVALUATION = 1.0 / 3.0  # of a loss alone, in gradients
PRODUCT = 2.0  # of a Hessian-vector product
STATE = 3  # vectors that a rule keeps, beside parameters and gradient


@dataclass(frozen=True)
class StepCost:
    """A step: gradients of the batch, vectors of P numbers that are kept, and numbers kept beside them."""

    gradients: float
    vectors: float = STATE
    numbers: float = 0.0


def cost_of(lane: Lane, size: Size) -> StepCost:
    """Say what a step of a lane costs.

    Args:
        lane: the rule with its settings, and its filters.
        size: of the problem.

    Returns:
        The cost; of a rule that searches what it usually is.
    """
    rule = lane.optimizer
    windows = [each.window for each in lane.filters if each.kind == "grokfast" and each.average == "window"]
    filtered = sum(each.gradients for each in lane.filters)
    cost = _rule(rule, size)
    return StepCost(cost.gradients + filtered, cost.vectors + sum(windows), cost.numbers)


def _rule(rule: AnyOptimizer, size: Size) -> StepCost:
    count = size.parameters
    match rule.kind:
        case "cbo":
            return StepCost(EVALUATION * rule.particles + 1, 3.0 * rule.particles)
        case "entropy_sgd":
            return StepCost(float(rule.inner_steps))
        case "forward_gradient":
            return StepCost(float(rule.samples) + EVALUATION)
        case "lbfgs":
            return StepCost(min(rule.max_evaluations, 4.0) if rule.line_search else 1.0, 2.0 * rule.history + 4)
        case "newton":
            return StepCost(1 + PRODUCT * count / rule.every, STATE, 4.0 * count**2)
        case "saddle_free_newton" if rule.method == "dense":
            return StepCost(1 + PRODUCT * count, STATE, 4.0 * count**2)
        case "saddle_free_newton":
            return StepCost(2 + PRODUCT * min(rule.k, count), rule.k + 4.0)
        case "natural_gradient":
            rows = size.whole * (size.outputs if rule.fisher == "true" else 1)
            return StepCost(1.0 + size.outputs, STATE, float(rows) * count)
        case "soap" | "psgd":
            return StepCost(rule.gradients, 10.0)
        case _:
            return StepCost(rule.gradients)
