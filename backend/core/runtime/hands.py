"""Several cores at work on pieces that need nothing of each other, each piece on one core.

Where a single operation is small, as a layer on some hundred examples, two cores that share it wait for each other more
than they work. Two that each do operations of their own do not, and what a piece returns does not hang on how many
cores there are.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Barrier, Lock
from typing import Final, TypeVar

import torch

AHEAD: Final = 2  # pieces for each hand that are handed out before they are needed
ResultT = TypeVar("ResultT")
_pools: dict[int, ThreadPoolExecutor] = {}
_lock = Lock()


def hands(device: torch.device) -> int:
    """Return how many pieces may be worked on at once: torch's threads here; on a GPU, one."""
    return torch.get_num_threads() if device.type == "cpu" else 1


def shared(pieces: Iterable[Callable[[], ResultT]], count: int) -> Generator[ResultT, None, None]:
    """Work on pieces with so many hands, and yield what they return in the pieces' order.

    A piece is taken from ``pieces`` when a hand is about to be free. Closing the generator forgets those that are not
    begun and waits for those that are.

    Args:
        pieces: each is called once, by any thread; with one hand by the caller's own.
        count: of hands.

    Yields:
        The results. What a piece raises is raised here.
    """
    if count == 1:
        for piece in pieces:
            yield piece()
        return
    pool = _pool(count)
    begun: deque[Future[ResultT]] = deque()
    try:
        for piece in pieces:
            begun.append(pool.submit(piece))
            if len(begun) >= AHEAD * count:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        for future in begun:
            future.cancel()
        wait(begun)


def _pool(count: int) -> ThreadPoolExecutor:
    """The threads, each told to compute alone."""
    with _lock:
        if count not in _pools:
            met, own = Barrier(count + 1), torch.get_num_threads()
            pool = ThreadPoolExecutor(count, "hand", _alone)
            for _ in range(count):
                pool.submit(met.wait)
            met.wait()
            # The threads that torch starts later take the number that was set last, by whomever.
            torch.set_num_threads(own)
            _pools[count] = pool
        return _pools[count]


def _alone() -> None:
    """Let this thread compute with one core; torch looks up the number when it is first asked in a thread."""
    torch.get_num_threads()
    torch.set_num_threads(1)
