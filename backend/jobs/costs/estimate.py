"""What a request will take on one worker: time, memory, disk, part by part."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from backend.jobs.costs import looks, rules
from backend.jobs.costs.looks import Look
from backend.jobs.costs.size import Size, size_of
from backend.jobs.split import pieces
from backend.schemas.estimate import Estimate, EstimatePart
from backend.schemas.problem import AnyProblem, CustomProblem
from backend.schemas.problem.custom import CustomEntry
from backend.schemas.run import AnyRequest, Probe, TrainRequest

MIB: Final = 2**20
WORKER_MB: Final = 430.0  # of a worker that does nothing: the interpreter and torch
MOMENTS: Final = 4096  # of a lane that are kept at most
FILE_MB: Final = 4.0  # of a run's events, at least
WIDE: Final = 2.0  # float64 takes as many times as much room as float32
SLOW: Final = 1.5  # and as many times as long
BACK: Final = 3.0  # a gradient, in products of the outputs alone
PASSES: Final = 4.0  # how often a gradient touches each value that a layer makes
LATE: Final = 1.0  # probes that may be late take at most as long as the training beside them


@dataclass(frozen=True)
class Speed:
    """What this machine does, on one core; measured on presets (``benchmarks/studies/estimates.py``)."""

    call: float = 60e-6  # seconds that any gradient costs
    layer: float = 28e-6  # more for each layer
    product: float = 1 / 16e9  # a multiplication and an addition, in a matrix
    convolved: float = 1 / 6e9  # in a convolution
    value: float = 1.2e-9  # a number that is touched
    start: float = 0.25  # a run's: its problem is built
    step: float = 130e-6  # a lane's step, beside its gradients


SPEED: Final = Speed()


def estimate(
    request: AnyRequest,
    problem: AnyProblem,
    entries: Sequence[CustomEntry] = (),
    factor: float = 1.0,
    measured: int = 0,
) -> Estimate:
    """Say what a run will take.

    Args:
        request: what is asked for.
        problem: what it is about; where the request names points alone, theirs.
        entries: what the file of one's own problems says about them.
        factor: how many times slower than ``SPEED`` this machine is.
        measured: finished runs that the factor is from.

    Returns:
        The estimate.
    """
    size = size_of(problem, entries)
    double = request.dtype == "float64"
    clock = _Clock(size, SLOW if double else 1.0, factor)
    if isinstance(request, TrainRequest):
        parts = list(_race(request, clock))
        steps, disk = request.steps, FILE_MB + (WIDE if double else 1.0) * 4 * _kept_numbers(request, size) / MIB
        kept = _race_numbers(request, size)
    else:
        points = max(1, len(request.at))
        look = looks.cost_of(request.analysis, size)
        parts = [_part(request.analysis.title, "analysis", look, clock, points)]
        steps, disk = 0, FILE_MB
        kept = _look_numbers(look, size)
    working = factor * SPEED.start + sum(part.seconds for part in parts)
    paced = request.steps / request.pace if isinstance(request, TrainRequest) and request.pace else 0.0
    data = float(size.examples + size.tested) * size.inputs
    return Estimate(
        parameters=size.parameters, examples=size.examples, steps=steps, seconds=max(working, paced), working=working,
        memory_mb=WORKER_MB + (WIDE if double else 1.0) * 4 * (kept + 2 * data) / MIB, disk_mb=disk, parts=tuple(parts),
        known=size.surely and not isinstance(problem, CustomProblem), measured=measured,
        shared=pieces(request),
    )  # fmt: skip


@dataclass(frozen=True)
class _Clock:
    """Seconds of gradients of one problem."""

    size: Size
    slow: float
    factor: float

    def seconds(self, gradients: float, calls: float, examples: float) -> float:
        """Return the seconds of so many gradients of so many examples each, in so many calls."""
        size = self.size
        product = SPEED.convolved if size.convolved else SPEED.product
        each = self.slow * (BACK * size.products * product + PASSES * size.values * SPEED.value)
        return self.factor * (calls * (SPEED.call + SPEED.layer * size.layers) + gradients * examples * each)


def _race(request: TrainRequest, clock: _Clock) -> Iterator[EstimatePart]:
    size = clock.size
    batch = float(size.whole if request.batch_size is None else min(request.batch_size, size.whole))
    gradients, seconds = 0.0, 0.0
    for lane in request.lanes:
        cost = rules.cost_of(lane, size)
        taken = cost.gradients * request.steps * request.repeats
        moved = request.steps * request.repeats * cost.vectors * size.parameters * clock.slow * SPEED.value
        gradients += taken
        seconds += clock.seconds(taken, taken, batch)
        seconds += clock.factor * (request.steps * request.repeats * SPEED.step + moved)
    yield EstimatePart(name="training", path="steps", seconds=seconds, gradients=gradients)
    looks_at = request.steps // request.eval_every * len(request.lanes) * request.repeats if size.examples else 0
    spent = clock.seconds(looks_at * rules.EVALUATION, looks_at, size.examples + size.tested)
    yield EstimatePart(name="evaluation", path="eval_every", seconds=spent, gradients=looks_at * rules.EVALUATION)
    for place, probe in enumerate(request.probes):
        yield _probe(request, probe, f"probes.{place}.analysis", clock, seconds)


def _probe(request: TrainRequest, probe: Probe, path: str, clock: _Clock, training: float) -> EstimatePart:
    look = looks.cost_of(probe.analysis, clock.size, along=True)
    on_plane = hasattr(probe.analysis, "plane")  # all lanes are on one plane
    lanes = 1 if on_plane else len(request.lanes) * request.repeats
    count = request.steps // probe.every + 1
    whole = _part(probe.analysis.title, path, look, clock, count * lanes)
    if probe.late == "wait":
        return whole
    most = LATE * training + whole.seconds / count
    share = min(1.0, most / whole.seconds) if whole.seconds else 1.0
    shared = {"seconds": share * whole.seconds, "gradients": share * whole.gradients, "late": True}
    return whole.model_copy(update=shared)


def _part(name: str, path: str, look: Look, clock: _Clock, times: float) -> EstimatePart:
    seconds = clock.seconds(look.gradients, look.calls, look.examples or 1.0)
    return EstimatePart(name=name.lower(), path=path, seconds=times * seconds, gradients=times * look.gradients)


def _race_numbers(request: TrainRequest, size: Size) -> float:
    """Return how many numbers a race holds at once: its lanes, a batch on its way, its probes, what is kept."""
    costs = [rules.cost_of(lane, size) for lane in request.lanes]
    batch = size.whole if request.batch_size is None else min(request.batch_size, size.whole)
    lanes = sum((each.vectors + 3) * size.parameters for each in costs) * request.repeats
    beside = max((each.numbers for each in costs), default=0.0)
    along = max((_look_numbers(looks.cost_of(probe.analysis, size), size) for probe in request.probes), default=0.0)
    return lanes + beside + along + _kept_numbers(request, size) + PASSES * batch * size.values * len(request.lanes)


def _kept_numbers(request: TrainRequest, size: Size) -> float:
    """Return how many numbers the kept moments hold at most: the budget's, or all there are."""
    moments = len(request.lanes) * request.repeats * min(request.steps + 1, MOMENTS)
    return min(request.snapshots.budget_mb * MIB / 4, float(moments) * size.parameters)


def _look_numbers(look: Look, size: Size) -> float:
    on_the_way = min(PASSES * (look.examples or 1.0) * size.values, 4.0 * looks.CHUNK)
    return look.vectors * size.parameters + look.numbers + on_the_way
