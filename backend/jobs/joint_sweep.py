"""What the parts of a sweep tell, joined into one: each part holds some learning rates of some rules."""

from collections.abc import Iterator, Sequence

import numpy as np

from backend.schemas.events import AnyEvent, Progress, Started, Sweep


class JointSweep:
    """One beginning, one progress, and of each rule the rates of all parts, ascending.

    Args:
        parts: how many there are.
        rates: how many a rule has in all.
    """

    def __init__(self, parts: int, rates: int) -> None:
        self._rates = rates
        self._begun = False
        self._done = dict.fromkeys(range(parts), 0)
        self._told: dict[str | None, dict[int, Sweep]] = {}  # by rule and part

    def fold(self, event: AnyEvent) -> Iterator[AnyEvent]:
        """Yield what is to be told of an event of one part."""
        one = event.model_copy(update={"part": 0})
        match event:
            case Started():
                if not self._begun:
                    self._begun = True
                    yield one
            case Progress():
                self._done[event.part] = event.done
                yield one.model_copy(update={"done": sum(self._done.values())})
            case Sweep():
                told = self._told.setdefault(event.lane, {})
                told[event.part] = event
                yield self._joined([told[part] for part in sorted(told)])
            case _:
                yield one

    def part_ended(self, part: int) -> list[AnyEvent]:
        """Tell nothing: no part waits for another."""
        return []

    def finish(self) -> list[AnyEvent]:
        """Tell nothing: all has been told."""
        return []

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
