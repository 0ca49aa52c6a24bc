"""A problem's size by its spec is that of the problem that is built from it; counted without torch."""

import math

import pytest

from backend.jobs.costs.size import layout_of, size_of
from backend.schemas.problem import CustomProblem, DataProblem
from backend.schemas.problem.custom import Custom, CustomEntry
from backend.schemas.problem.data import MnistData
from backend.schemas.problem.model import MlpModel
from tests.cases import NETWORKS, PROBLEMS, build


@pytest.mark.parametrize("name", PROBLEMS)
def test_parameters_and_examples_are_those_of_the_problem(name: str) -> None:
    built, size = build(name), size_of(PROBLEMS[name])
    assert size.parameters == built.params0(0)[0].numel()
    layout = layout_of(PROBLEMS[name])
    if layout is not None:
        assert layout == (tuple(built.layout.entries), tuple(built.buffer_layout.entries))
    train, test = ((0, 0) if part is None else part.x.shape for part in (built.train, built.test))
    assert size.examples == train[0]
    if name in NETWORKS:
        assert size.tested == test[0]
        assert size.inputs == math.prod(train[1:])


@pytest.mark.parametrize(
    ("hidden", "parameters", "products"),
    [((), 7850, 7840), ((300, 100), 266_610, 266_200), ((4096,) * 2, 20_037_642, 20_029_440)],
)
def test_counts_that_are_known_by_hand(hidden: tuple[int, ...], parameters: int, products: int) -> None:
    size = size_of(DataProblem(data=MnistData(), model=MlpModel(hidden=hidden)))
    assert (size.parameters, size.products, size.inputs, size.outputs) == (parameters, products, 784, 10)
    assert (size.examples, size.tested) == (10_000, 2000)


def test_of_ones_own_problem_only_what_its_file_says_is_known() -> None:
    entry = CustomEntry(name="mine", title="Mine", summary="", size=1234, examples=50, classes=3)
    size = size_of(CustomProblem(custom=Custom(name="mine")), (entry,))
    assert (size.parameters, size.examples, size.outputs, size.surely) == (1234, 50, 3, False)
    unknown = size_of(CustomProblem(custom=Custom(name="another")), (entry,))
    assert (unknown.parameters, unknown.surely) == (0, False)
