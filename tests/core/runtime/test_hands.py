"""Pieces of work on several cores."""

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import torch

from backend.core.geometry.evaluate import Evaluator, sample
from backend.core.geometry.evaluate.evaluator import finish
from backend.core.geometry.evaluate.span import Span
from backend.core.runtime.hands import hands, shared
from tests.cases import build


@pytest.fixture(params=[1, 2, 3])
def count(request: pytest.FixtureRequest) -> int:
    """So many hands."""
    return int(request.param)


def _squares(count: int) -> Iterator[Callable[[], int]]:
    yield from (partial(pow, number, 2) for number in range(count))


def test_results_come_in_the_pieces_order(count: int) -> None:
    assert list(shared(_squares(50), count)) == [number**2 for number in range(50)]
    assert list(shared([], count)) == []


def test_hands_really_work_side_by_side() -> None:
    met = threading.Barrier(2)  # nobody gets past it alone
    assert sorted(shared([partial(met.wait, 5)] * 2, 2)) == [0, 1]


def test_each_hand_computes_alone_and_the_caller_keeps_its_threads() -> None:
    own = torch.get_num_threads()
    assert list(shared([torch.get_num_threads] * 4, 2)) == [1] * 4
    assert torch.get_num_threads() == own


def test_what_a_piece_raises_reaches_the_caller(count: int) -> None:
    def fails() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        list(shared([lambda: 1, fails, lambda: 2], count))


def test_closing_forgets_what_has_not_begun(count: int) -> None:
    done: list[int] = []
    work = shared([partial(done.append, number) for number in range(100)], count)
    next(work)
    work.close()
    after = len(done)
    assert after < 10
    assert not list(work)
    assert len(done) == after


def test_a_gpu_is_one_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    assert hands(torch.device("cpu")) == 7
    assert hands(torch.device("cuda")) == 1


@pytest.mark.parametrize("name", ["blobs-tanh", "cnn", "cnn-batch"])
def test_losses_are_the_same_bits_with_one_hand_and_with_two(name: str) -> None:
    problem = build(name)
    params_P, buffers_B = problem.params0(0)
    generator = torch.Generator().manual_seed(1)
    directions = tuple(torch.randn(params_P.shape, generator=generator, dtype=params_P.dtype) for _ in range(2))
    points = [(0.1 * a, -0.2 * b) for a in range(9) for b in range(5)]
    own, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(finish(Evaluator(sample(problem), Span(params_P, buffers_B, directions)).losses(points)))
    finally:
        torch.set_num_threads(own)
    assert found[0].loss_K.tobytes() == found[1].loss_K.tobytes()
