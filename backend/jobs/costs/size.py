"""How large a problem is, from its spec: parameters, and what one example costs; no torch."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from backend.schemas.problem import AnyProblem, CustomProblem, DataProblem, FunctionProblem, PdeProblem
from backend.schemas.problem.custom import CustomEntry
from backend.schemas.problem.data import (
    AnyData,
    BreastCancerData,
    ChebyshevData,
    PlantedData,
    WavesData,
    WineData,
    training_examples,
)
from backend.schemas.problem.loss import LogisticLoss
from backend.schemas.problem.model import CnnModel, MlpModel, ResNetModel
from backend.schemas.problem.pde import AdvectionPde, PdeSpec, PoissonPde, SinesAnsatz

WHOLE: Final = {"digits": 1797, "digits32": 1797, "block_digits": 360, "wine": 178, "breast_cancer": 569}
TRIALS: Final = {1: (4, 1), 2: (10, 2), 10: (20, 3)}  # coordinates → width and blocks of a trial function
JET: Final = 3  # a value, its slope and its bend, each as dear as a value


@dataclass(frozen=True)
class Size:
    """What a problem is made of.

    ``products`` are the multiplications of one example's outputs, ``values`` the numbers that its layers make,
    ``layers`` how many operations follow each other; ``surely`` says whether the spec tells all that.
    """

    parameters: int
    examples: int  # of the training split; 0 for a function
    tested: int = 0  # of the test split
    inputs: int = 0
    outputs: int = 1
    products: int = 0
    values: int = 0
    layers: int = 1
    convolved: bool = False
    surely: bool = True

    @property
    def whole(self) -> int:
        """Return how many examples a gradient of the whole loss sees; 1 for a function."""
        return max(1, self.examples)


@dataclass(frozen=True)
class _Layer:
    """One layer: its parameters, and for each example its products and the values that it makes."""

    parameters: int
    products: int
    values: int


def size_of(problem: AnyProblem, entries: Sequence[CustomEntry] = ()) -> Size:
    """Measure a problem by its spec.

    Args:
        problem: what is trained.
        entries: what the file of one's own problems says about them, at their defaults.

    Returns:
        Its size; of a problem of one's own only what its file told of its defaults.
    """
    match problem:
        case FunctionProblem():
            dims = problem.function.dimensions
            return Size(dims, 0, products=4 * dims, values=4 * dims, layers=4)
        case PdeProblem():
            return _equation(problem.pde)
        case DataProblem():
            return _network(problem)
        case CustomProblem():
            entry = next((each for each in entries if each.name == problem.custom.name), None)
            count, examples = (0, 0) if entry is None else (entry.size, entry.examples)
            outputs = 1 if entry is None else entry.classes or 1
            return Size(
                count, examples, outputs=outputs, products=count, values=math.isqrt(count), layers=8, surely=False
            )


def features_of(data: AnyData) -> int:
    """Return how many numbers an input has."""
    match data:
        case _ if data.image is not None:
            return math.prod(data.image)
        case WineData():
            return 13
        case BreastCancerData():
            return 30
        case WavesData():
            return data.length
        case PlantedData():
            return data.examples * data.block
        case _:
            return 1 if data.classes is None else 2


def _network(problem: DataProblem) -> Size:
    data, model = problem.data, problem.model
    inputs = features_of(data)
    outputs = 1 if data.classes is None or isinstance(problem.loss, LogisticLoss) else data.classes
    layers = list(_layers(problem, inputs, outputs))
    return Size(
        parameters=sum(each.parameters for each in layers), examples=training_examples(data), tested=_tested(data),
        inputs=inputs, outputs=outputs, products=sum(each.products for each in layers),
        values=sum(each.values for each in layers), layers=len(layers), convolved=not isinstance(model, MlpModel),
    )  # fmt: skip


def _layers(problem: DataProblem, inputs: int, outputs: int) -> Iterator[_Layer]:
    model, image = problem.model, problem.data.image or (1, 1, 1)
    match model:
        case MlpModel():
            for narrow, wide in pairwise((inputs, *model.hidden, outputs)):
                yield _dense(narrow, wide)
        case CnnModel():
            depth, height, width = image
            for wide in model.channels:
                yield _convolution(depth, wide, 3, height * width, 1 + 2 * (model.norm != "none"))
                depth, height, width = wide, height // 2, width // 2
            yield _dense(depth * height * width, outputs)
        case ResNetModel():
            yield from _residual(model, image)
            yield _dense(model.channels[-1], outputs)


def _residual(model: ResNetModel, image: tuple[int, int, int]) -> Iterator[_Layer]:
    depth, height, width = image
    per_unit = 2 if model.norm != "none" else 1  # a norm's weight and bias, or the convolution's bias
    narrow = model.channels[0]
    yield _convolution(depth, narrow, 3, height * width, per_unit)
    for stage, wide in enumerate(model.channels):
        for block in range(model.blocks):
            halves = bool(stage) and not block
            height, width = ((height + 1) // 2, (width + 1) // 2) if halves else (height, width)
            yield _convolution(narrow, wide, 3, height * width, per_unit)
            yield _convolution(wide, wide, 3, height * width, per_unit)
            if model.shortcut and (halves or narrow != wide):
                yield _convolution(narrow, wide, 1, height * width, per_unit)
            narrow = wide


def _dense(narrow: int, wide: int) -> _Layer:
    return _Layer((narrow + 1) * wide, narrow * wide, 2 * wide)


def _convolution(narrow: int, wide: int, side: int, pixels: int, per_unit: int) -> _Layer:
    weights = wide * narrow * side * side
    return _Layer(weights + per_unit * wide, weights * pixels, (1 + per_unit) * wide * pixels)


def _tested(data: AnyData) -> int:
    """Return the size of the test split."""
    if data.kind in WHOLE:
        return WHOLE[data.kind] - training_examples(data)
    if isinstance(data, ChebyshevData | PlantedData):
        return 0
    return int(getattr(data, "test_examples", training_examples(data)))


def _equation(spec: PdeSpec) -> Size:
    if isinstance(spec.ansatz, SinesAnsatz):
        count = 2 * spec.ansatz.modes if isinstance(spec, AdvectionPde) else spec.ansatz.modes
        return Size(count, spec.points, inputs=spec.coordinates, products=JET * count, values=JET, layers=4)
    width, blocks = TRIALS[spec.coordinates]
    width, blocks = spec.ansatz.width or width, blocks if spec.ansatz.blocks is None else spec.ansatz.blocks
    features = spec.coordinates + isinstance(spec, AdvectionPde)  # a circle's place is two numbers
    layers = [_dense(features, width), *[_dense(width, width)] * (2 * blocks), _dense(width, 1)]
    curved = spec.coordinates if isinstance(spec, PoissonPde) else 1
    times = 1 + 2 * curved
    return Size(
        parameters=sum(each.parameters for each in layers), examples=spec.points, inputs=spec.coordinates,
        products=times * sum(each.products for each in layers), values=4 * times * sum(each.values for each in layers),
        layers=8 * len(layers),
    )  # fmt: skip
