"""What a run is called when nobody has named it: made from its request."""

from typing import Final

from backend.schemas.problem import AnyProblem, CustomProblem, FunctionProblem, PdeProblem
from backend.schemas.run import AnyRequest, TrainRequest

NAMED: Final = 4  # lanes that are named; more are counted


def default_name(request: AnyRequest) -> str:
    """Name a run after what it does.

    Args:
        request: with its problem filled in.

    Returns:
        The name that was asked for, else one like "SGD, Adam on digits" or "Loss surface on Rosenbrock".

    Example:
        >>> default_name(TrainRequest())
        'SGD on digits'
    """
    if request.name:
        return request.name
    where = "" if request.problem is None else f" on {_problem(request.problem)}"
    if not isinstance(request, TrainRequest):
        return request.analysis.title + where
    names = [lane.name for lane in request.lanes]
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "") + where


def _problem(problem: AnyProblem) -> str:
    if isinstance(problem, FunctionProblem):
        return problem.function.title
    if isinstance(problem, PdeProblem):
        return problem.pde.title
    if isinstance(problem, CustomProblem):
        return problem.custom.name.replace("_", " ")
    return problem.data.kind.replace("_", " ")
