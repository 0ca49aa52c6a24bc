"""What the parts of a sweep tell, joined into one: each part holds some learning rates of some rules."""

from collections.abc import Iterator, Sequence

import numpy as np

from backend.jobs.joined import Joined
from backend.schemas.events import AnyEvent, Sweep


class JointSweep(Joined):
    """One beginning, one progress, and of each rule the rates of all parts, ascending.

    Args:
        parts: how many there are.
        rates: how many a rule has in all.
    """

    def __init__(self, parts: int, rates: int) -> None:
        super().__init__(parts)
        self._rates = rates
        self._told: dict[str | None, dict[int, Sweep]] = {}  # by rule and part

    def _other(self, event: AnyEvent, one: AnyEvent) -> Iterator[AnyEvent]:
        if isinstance(event, Sweep):
            told = self._told.setdefault(event.lane, {})
            told[event.part] = event
            one = self._joined([told[part] for part in sorted(told)])
        yield one

    def _joined(self, told: Sequence[Sweep]) -> Sweep:
        lr, loss, steps, evaluations = (
            np.concatenate([getattr(sweep, name) for sweep in told]) for name in ("lr", "loss", "steps", "evaluations")
        )
        order = np.argsort(lr)
        best = min((sweep for sweep in told if sweep.best_loss is not None), key=_loss, default=None)
        return told[0].model_copy(
            update={
                "part": 0,
                "lr": lr[order],
                "loss": loss[order],
                "steps": steps[order],
                "evaluations": evaluations[order],
                "best_lr": None if best is None else best.best_lr,
                "best_loss": None if best is None else best.best_loss,
                "diverged": sum(sweep.diverged for sweep in told),
                "final": len(lr) == self._rates,
            }
        )


def _loss(sweep: Sweep) -> float:
    return np.inf if sweep.best_loss is None else sweep.best_loss
