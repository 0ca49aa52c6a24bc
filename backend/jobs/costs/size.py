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
Tensors = tuple[tuple[str, tuple[int, ...]], ...]
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
    """One layer: its tensors by name, and for each example its products and the values that it makes."""

    tensors: Tensors
    products: int
    values: int
    buffers: Tensors = ()

    @property
    def parameters(self) -> int:
        """Return how many numbers its tensors hold."""
        return sum(math.prod(shape) for _, shape in self.tensors)


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


def layout_of(problem: AnyProblem) -> tuple[Tensors, Tensors] | None:
    """Return names and shapes of a problem's parameters and of its buffers; None where the spec does not tell them."""
    match problem:
        case DataProblem():
            layers = list(_layers(problem, features_of(problem.data), _outputs(problem)))
        case PdeProblem():
            layers = list(_trial(problem.pde))
        case _:
            return None
    return tuple(each for layer in layers for each in layer.tensors), tuple(
        each for layer in layers for each in layer.buffers
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
    outputs = _outputs(problem)
    layers = list(_layers(problem, inputs, outputs))
    return Size(
        parameters=sum(each.parameters for each in layers), examples=training_examples(data), tested=_tested(data),
        inputs=inputs, outputs=outputs, products=sum(each.products for each in layers),
        values=sum(each.values for each in layers), layers=len(layers), convolved=not isinstance(model, MlpModel),
    )  # fmt: skip


def _outputs(problem: DataProblem) -> int:
    classes = problem.data.classes
    return 1 if classes is None or isinstance(problem.loss, LogisticLoss) else classes


def _layers(problem: DataProblem, inputs: int, outputs: int) -> Iterator[_Layer]:
    model, image = problem.model, problem.data.image or (1, 1, 1)
    match model:
        case MlpModel():
            for place, (narrow, wide) in enumerate(pairwise((inputs, *model.hidden, outputs))):
                yield _dense(f"{2 * place}", narrow, wide)
        case CnnModel():
            depth, height, width = image
            step = 3 if model.norm == "none" else 4
            for block, wide in enumerate(model.channels):
                norm = _norm(f"{step * block + 1}", wide, model.norm)
                yield _convolution(f"{step * block}", (wide, depth, 3, 3), height * width, norm, biased=True)
                depth, height, width = wide, height // 2, width // 2
            yield _dense(f"{step * len(model.channels) + 1}", depth * height * width, outputs)
        case ResNetModel():
            yield from _residual(model, image)
            yield _dense("dense", model.channels[-1], outputs)


def _residual(model: ResNetModel, image: tuple[int, int, int]) -> Iterator[_Layer]:
    depth, height, width = image
    narrow = model.channels[0]

    def convolved(name: str, wide: int, narrow: int, side: int) -> _Layer:
        norm = _norm(f"{name}.norm", wide, model.norm)
        return _convolution(name, (wide, narrow, side, side), height * width, norm, biased=model.norm == "none")

    yield convolved("stem", narrow, depth, 3)
    for stage, wide in enumerate(model.channels):
        for block in range(model.blocks):
            name, halves = f"stages.{stage}.{block}", bool(stage) and not block
            height, width = ((height + 1) // 2, (width + 1) // 2) if halves else (height, width)
            yield convolved(f"{name}.first", wide, narrow, 3)
            yield convolved(f"{name}.second", wide, wide, 3)
            if model.shortcut and (halves or narrow != wide):
                yield convolved(f"{name}.shortcut", wide, narrow, 1)
            narrow = wide


def _dense(name: str, narrow: int, wide: int) -> _Layer:
    return _Layer(((f"{name}.weight", (wide, narrow)), (f"{name}.bias", (wide,))), narrow * wide, 2 * wide)


def _norm(name: str, wide: int, kind: str) -> tuple[Tensors, Tensors]:
    """Return a norm's parameters and buffers; none where there is none."""
    if kind == "none":
        return (), ()
    running = ((f"{name}.running_mean", (wide,)), (f"{name}.running_var", (wide,)))
    return ((f"{name}.weight", (wide,)), (f"{name}.bias", (wide,))), running if kind == "batch" else ()


def _convolution(
    name: str, shape: tuple[int, ...], pixels: int, norm: tuple[Tensors, Tensors], *, biased: bool
) -> _Layer:
    bias: Tensors = ((f"{name}.bias", shape[:1]),) if biased else ()
    values = (3 if norm[0] else 2) * shape[0] * pixels
    return _Layer(((f"{name}.weight", shape), *bias, *norm[0]), math.prod(shape) * pixels, values, norm[1])


def _tested(data: AnyData) -> int:
    """Return the size of the test split."""
    if data.kind in WHOLE:
        return WHOLE[data.kind] - training_examples(data)
    if isinstance(data, ChebyshevData | PlantedData):
        return 0
    return int(getattr(data, "test_examples", training_examples(data)))


def _equation(spec: PdeSpec) -> Size:
    layers = list(_trial(spec))
    curved = spec.coordinates if isinstance(spec, PoissonPde) else 1
    times = 1 if isinstance(spec.ansatz, SinesAnsatz) else 1 + 2 * curved
    return Size(
        parameters=sum(each.parameters for each in layers), examples=spec.points, inputs=spec.coordinates,
        products=times * sum(each.products for each in layers), values=4 * times * sum(each.values for each in layers),
        layers=8 * len(layers),
    )  # fmt: skip


def _trial(spec: PdeSpec) -> Iterator[_Layer]:
    if isinstance(spec.ansatz, SinesAnsatz):
        count = 2 * spec.ansatz.modes if isinstance(spec, AdvectionPde) else spec.ansatz.modes
        yield _Layer((("coefficients", (1, count)),), JET * count, JET)
        return
    width, blocks = TRIALS[spec.coordinates]
    width, blocks = spec.ansatz.width or width, blocks if spec.ansatz.blocks is None else spec.ansatz.blocks
    yield _dense("in", spec.coordinates + isinstance(spec, AdvectionPde), width)  # a circle's place is two numbers
    for block in range(blocks):
        for layer in (0, 1):
            yield _dense(f"blocks.{block}.{layer}", width, width)
    yield _dense("out", width, 1)
