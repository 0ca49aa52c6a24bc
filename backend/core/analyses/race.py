"""What a probe sees of a running race: a frozen view of one step, which training goes on behind."""

from dataclasses import dataclass

from backend.core.analyses.base import Moment, Path


@dataclass(frozen=True)
class RaceView:
    """All lanes of a race after ``step`` updates; the tensors are never written to.

    A probe that starts at a step gets the view of that step and may read it for as long as it works. Lanes that have
    ended (done, diverged or cancelled) keep their paths, which then end at an earlier step.
    """

    seed: int  # of the request
    steps: int  # of the whole race
    step: int  # what the lanes that still run have reached
    start: Moment  # the initial point of the first repeat, or the origin that every lane started from
    paths: tuple[Path, ...]  # kept moments of each lane and repeat, by step; the last one is its newest
    recent: tuple[Path, ...]  # the moments of every step since the view before (the first view's begin at the start)
    diverged: frozenset[tuple[str, int]] = frozenset()  # (lane, repeat); their newest moment may be far out
    ended: bool = False  # no lane takes another step
