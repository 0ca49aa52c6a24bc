"""Says what a request will take, by its spec and by how long finished runs have taken here."""

import datetime
import statistics
import threading
from collections.abc import Callable, Sequence
from typing import Final

from pydantic import ValidationError

from backend.jobs.costs.estimate import estimate
from backend.jobs.costs.limits import Limits
from backend.jobs.machine import gpus
from backend.jobs.points import request_of
from backend.jobs.store import Store
from backend.schemas.estimate import Estimate
from backend.schemas.problem.custom import CustomEntry
from backend.schemas.run import AnyRequest, Run, TrainRequest

LOOKED_AT: Final = 40  # finished runs, the newest
FEWEST: Final = 3  # of them, before they count
EXTREME: Final = 20.0  # times that a machine is slower or faster than usual, at most
SHORTEST: Final = 0.5  # seconds: what took less says more about starting than about computing
ON_GPU: Final = 0.05  # of the time that a CPU takes: a guess
SLEEPY: Final = "recorded"  # tag of loops elsewhere


class Estimator:
    """Estimates requests, and refuses what is above the limits; safe to call from several threads.

    How fast this machine is, is the median over the newest finished runs of what they took, as a share of what was
    estimated: those that were not paced or recorded, and took half a second or more.

    Args:
        store: knows the finished runs.
        entries: tells what the file of one's own problems says about them.
        limits: of one run.
    """

    def __init__(self, store: Store, entries: Callable[[], Sequence[CustomEntry]], limits: Limits) -> None:
        self._store, self._entries, self._limits = store, entries, limits
        self._known: tuple[str, float, int] = ("", 1.0, 0)  # newest finished run, factor, runs behind it
        self._lock = threading.Lock()

    def check(self, request: AnyRequest) -> None:
        """Refuse what is above the limits.

        Args:
            request: with its problem.

        Raises:
            refused: where it is, with the numbers.
        """
        refused = self._limits.refusal(self._of(request))
        if refused is not None:
            raise refused

    def estimate(self, request: AnyRequest) -> Estimate:
        """Say what a request will take, and whether it would be refused.

        Args:
            request: with its problem.

        Returns:
            The estimate.
        """
        found = self._of(request)
        refused = self._limits.refusal(found)
        return found if refused is None else found.model_copy(update={"refused": refused.detail})

    def _of(self, request: AnyRequest) -> Estimate:
        assert request.problem is not None
        factor, measured = self._speed()
        fast = request.device.startswith(("cuda", "mps")) or (request.device == "auto" and gpus() > 0)
        return estimate(request, request.problem, self._entries(), factor * (ON_GPU if fast else 1.0), measured)

    def _speed(self) -> tuple[float, int]:
        """Return how many times slower than usual this machine is, and how many runs say so."""
        runs, _ = self._store.page(status="succeeded", kind=None, tag=None, limit=LOOKED_AT, cursor=None)
        newest = runs[0].id if runs else ""
        with self._lock:
            if newest != self._known[0]:
                ratios = [ratio for run in runs if (ratio := _ratio(run)) is not None]
                usual = statistics.median(ratios) if len(ratios) >= FEWEST else 1.0
                bounded = min(max(usual, 1 / EXTREME), EXTREME)
                self._known = (newest, bounded, len(ratios) if len(ratios) >= FEWEST else 0)
            return self._known[1:]


def _ratio(run: Run) -> float | None:
    """Return what a finished run has taken as a share of its estimate, where that says something."""
    if SLEEPY in run.tags or run.started is None or run.ended is None:
        return None
    try:
        request = request_of(run)
    except ValidationError:  # stored by another version
        return None
    if request.problem is None or (isinstance(request, TrainRequest) and request.pace):
        return None
    started, ended = (datetime.datetime.fromisoformat(when) for when in (run.started, run.ended))
    seconds, found = (ended - started).total_seconds(), estimate(request, request.problem)
    return seconds / found.working if seconds >= SHORTEST and found.known and found.working > 0 else None
