"""Which moments of a lane are kept: dense early, then thinned evenly, within a byte budget.

Step s (counted from the first moment) is kept where s < dense or s is a multiple of the stride. The stride is 1 at
first and doubles whenever the capacity is full, so which steps are kept after n updates is a pure function of n and of
the capacity. One place is reserved for the last moment.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from backend.core.analyses.base import Moment

OVERHEAD: Final = 1024  # bytes that a moment takes beside its values, in Python and in a file's header
MOST: Final = 4096  # moments of a lane; more than that shows nothing more
DENSE_SHARE: Final = 4  # a quarter of the capacity is kept for the first steps


def capacity_of(budget_bytes: float, lanes: int, moment_bytes: int) -> int:
    """Return how many moments each lane may keep: at least 2, the first and the last.

    Args:
        budget_bytes: for all lanes together.
        lanes: how many share it.
        moment_bytes: size of one moment's values.

    Returns:
        The capacity, from 2 to 4,096.
    """
    return int(min(max(budget_bytes / lanes / (moment_bytes + OVERHEAD), 2), MOST))


@dataclass
class KeptMoments:
    """The kept moments of one lane, in order of steps.

    Example:
        >>> import torch
        >>> kept = KeptMoments(capacity=8)
        >>> for step in range(40):
        ...     if kept.wants(step):
        ...         _ = kept.add(Moment(step, torch.zeros(0), torch.zeros(0)))
        >>> kept.steps
        (0, 1, 8, 16, 24, 32)
    """

    capacity: int
    _moments: list[Moment] = field(default_factory=list)
    _stride: int = 1

    def wants(self, step: int) -> bool:
        """Whether the policy keeps this step, if it is the next to come."""
        if not self._moments:
            return True
        since = step - self._moments[0].step
        return since < self._dense or since % self._stride == 0

    def add(self, moment: Moment) -> tuple[int, ...] | None:
        """Keep a moment later than all before.

        Returns:
            The steps that are still kept where others had to go, else None.
        """
        self._moments.append(moment)
        if len(self._moments) < self.capacity:
            return None
        while len(self._moments) >= self.capacity and len(self._moments) > 1:
            self._stride *= 2
            self._moments = [kept for kept in self._moments if self.wants(kept.step)]
        return self.steps

    def holds(self, step: int) -> bool:
        """Whether this step, the last that came, is kept."""
        return bool(self._moments) and self._moments[-1].step == step

    @property
    def steps(self) -> tuple[int, ...]:
        """The kept steps."""
        return tuple(moment.step for moment in self._moments)

    def path(self, newest: Moment) -> tuple[Moment, ...]:
        """Return the kept moments, ending with the lane's newest whether or not it is one of them."""
        kept: Iterable[Moment] = self._moments
        return (*(moment for moment in kept if moment.step < newest.step), newest)

    @property
    def _dense(self) -> int:
        return self.capacity // DENSE_SHARE
