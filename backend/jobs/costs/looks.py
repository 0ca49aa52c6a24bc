"""What an analysis costs at one point: gradient evaluations over the whole split, and memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from backend.jobs.costs.rules import EVALUATION, PRODUCT
from backend.jobs.costs.size import Size
from backend.schemas.analysis import AnyAnalysis, ConnectivityAnalysis, SharpnessAnalysis

LANCZOS: Final = 14  # products until the first eigenvalue is found, usually; each further one takes FURTHER
FURTHER: Final = 3.0
FOLLOWED: Final = 6.0  # products of each eigenvalue that is followed along a race
TOGETHER: Final = 0.4  # of the time, where many points are taken in one product
CHUNK: Final = 2**26  # numbers that many points, or many examples, may take at once
DRAWS: Final = ("smoothgrad", "smoothgrad_squared", "vargrad", "integrated_gradients", "expected_gradients",
                "moreau_grad", "frequency_integrated_gradients")  # fmt: skip
MIB: Final = 2**20


@dataclass(frozen=True)
class Look:
    """An analysis at one point.

    ``gradients`` of ``examples`` (None: of the analysis' share of the training split) in ``calls`` calls; meanwhile
    ``vectors`` of P numbers and further ``numbers`` are held.
    """

    gradients: float
    calls: float
    vectors: float = 4.0
    numbers: float = 0.0
    examples: float | None = None


def cost_of(analysis: AnyAnalysis, size: Size, *, along: bool = False) -> Look:
    """Say what an analysis costs at one point, as far as its settings tell.

    Args:
        analysis: with its settings.
        size: of the problem.
        along: whether it goes along with a race, and begins with what it found at the last look.

    Returns:
        The cost; of a search what it usually is, at most its budget.
    """
    found = COSTS[analysis.kind](analysis, size)
    if along and isinstance(analysis, SharpnessAnalysis):
        found = _products(FOLLOWED * analysis.k * (1 + analysis.preconditioned) / 2, found.vectors)
    share = float(getattr(analysis, "data_fraction", 1.0))
    return found if found.examples is not None else replace(found, examples=share * size.whole)


def _losses(count: float) -> Look:
    return Look(TOGETHER * EVALUATION * count, count / 64, vectors=12.0, numbers=CHUNK / 16)


def _products(count: float, vectors: float) -> Look:
    return Look(PRODUCT * count, count, vectors)


def _eigenvalues(k: int, size: Size, budget: float = 1000.0) -> float:
    return min(LANCZOS + FURTHER * k, size.parameters + 2.0, budget)


def _surface(spec: Any, size: Size) -> Look:
    found = _losses(spec.resolution**2)
    if spec.plane.kind in ("eigen", "gradient_eigen"):
        searched = PRODUCT * _eigenvalues(2, size, spec.plane.budget)
        found = replace(found, gradients=found.gradients + searched, vectors=50.0)
    return found


def _spectrum(spec: Any, size: Size) -> Look:
    steps = min(spec.steps, size.parameters) * spec.probes
    found = steps + (_eigenvalues(spec.outliers, size) if spec.outliers else 0.0)
    times = (3 if spec.beside else 1) + (size.layers if spec.layers else 0)
    return _products(times * found, spec.steps + 4.0)


def _statistics(spec: Any, size: Size) -> Look:
    one_by_one = {"coherence", "signal_to_noise", "noise_scale", "examples", "conflict", "opposing"}
    count = min(spec.examples, size.whole) if one_by_one & set(spec.statistics) else 1
    held = min(float(count) * size.parameters, spec.budget_mb * MIB / 4)
    return Look(3.0, 30.0 * len(spec.statistics), numbers=held, examples=float(count))


def _kernel(spec: Any, size: Size) -> Look:
    count = min(spec.examples, size.whole)
    rows = count * size.outputs
    held = min(float(rows) * size.parameters, spec.budget_mb * MIB / 4) + float(rows) ** 2
    products = 0.5 * rows**2 * size.parameters / (3.0 * max(1, size.products) * count)  # of the rows with each other
    return Look(size.outputs + products, 4.0 * size.outputs, numbers=held, examples=float(count))


def _maps(methods: tuple[str, ...], spec: Any, size: Size) -> float:
    """Return how often the network is asked for one example."""
    each = {"occlusion": size.inputs * EVALUATION, **dict.fromkeys(DRAWS, float(spec.samples))}
    return sum(each.get(method, 1.0) for method in methods)


def _saliency(spec: Any, size: Size) -> Look:
    asked = _maps((spec.method, *spec.compare), spec, size)
    return Look(asked, asked * len(spec.examples) / 8, examples=float(len(spec.examples)))


def _trust(spec: Any, size: Size) -> Look:
    asked, count = _maps(spec.methods, spec, size), len(spec.examples)
    times = 4.0 * size.layers + 2 * len(spec.methods) * spec.steps / max(1.0, asked) + spec.draws
    retrained = 0.0
    if "retraining" in spec.questions:
        retrained = len(spec.shares) * (len(spec.methods) + 1) * (spec.retraining_steps + asked * EVALUATION)
    gradients = asked * times + retrained * size.whole / count
    return Look(gradients, asked * times * 2 + retrained, examples=float(count))


def _connectivity(spec: ConnectivityAnalysis, size: Size) -> Look:
    paths = {spec.path, *spec.beside}
    losses = 2.0 * spec.points * len(paths) + (spec.resolution**2 if spec.surface else 0)
    bent = sum(path in ("bezier", "chain") for path in paths)
    batch = size.whole if spec.batch_size is None else min(spec.batch_size, size.whole)
    trained = bent * spec.steps * batch / size.whole
    return Look(EVALUATION * losses + trained, losses + bent * spec.steps, vectors=8.0 + 4 * spec.bends)


def _dimension(spec: Any, size: Size) -> Look:
    dims = [min(each, size.parameters) for each in spec.dimensions]
    steps = float(spec.steps * (spec.subspaces * len(dims) + 1)) * (3 if spec.rule == "lbfgs" else 1)
    batch = size.whole if spec.batch_size is None or spec.rule == "lbfgs" else min(spec.batch_size, size.whole)
    return Look(steps * batch / size.whole, steps, vectors=4.0 + max(dims))


def _basin(spec: Any, size: Size) -> Look:
    walks, steps = spec.resolution**2 * len(spec.rules), spec.steps * len(spec.rules)
    together = sum(rule.optimizer.gradients for rule in spec.rules) / len(spec.rules)
    return Look(walks * spec.steps * together, steps * together * 2, numbers=8.0 * walks * size.parameters)


def _sweep(spec: Any, size: Size) -> Look:
    batch = size.whole if spec.batch_size is None else min(spec.batch_size, size.whole)
    runs = len(spec.rules) * spec.rates
    calls = len(spec.rules) * spec.budget * (1 if size.examples == 0 else spec.rates)
    return Look(float(runs) * spec.budget * batch / size.whole, float(calls))


COSTS: Final[Mapping[str, Callable[[Any, Size], Look]]] = {
    "surface": _surface,
    "slice": lambda spec, size: _losses(spec.resolution * getattr(spec.line, "directions", 1)),
    "trajectory": lambda spec, size: _losses(20.0),
    "sharpness": lambda spec, size: _products(_eigenvalues(spec.k, size) * (1 + spec.preconditioned) / 2, 20.0),
    "top_eigenvalues": lambda spec, size: _products(
        _eigenvalues(spec.k, size, spec.budget) * (2 if spec.which == "both" else 1), 30.0 + spec.k
    ),
    "spectrum": _spectrum,
    "trace": lambda spec, size: _products(spec.probes, 4.0),
    "index": lambda spec, size: _products(min(spec.steps, size.parameters) * spec.probes, spec.steps + 4.0),
    "overlap": lambda spec, size: _products(
        _eigenvalues(spec.k, size) * (1 + size.layers * spec.layers), 40.0 + spec.k
    ),
    "connectivity": _connectivity,
    "intrinsic_dimension": _dimension,
    "gradient_stats": _statistics,
    "ntk": _kernel,
    "saliency": _saliency,
    "roughness": lambda spec, size: _losses((spec.points + 1.0) * spec.directions * len(spec.all_lengths)),
    "solution": lambda spec, size: _losses(2.0),
    "movement": lambda spec, size: Look(0.0, 15.0 if size.examples else 2.0),
    "saliency_trust": _trust,
    "basin": _basin,
    "sweep": _sweep,
    "teleport": lambda spec, size: Look(4.0 * spec.steps + 2 * spec.descent, 4.0 * spec.steps + 2 * spec.descent),
}
