"""Probes share the worker with training: they are advanced in slices between steps, and in its idle time.

Training gets at least half of the time: what it spends is credited to the probes, up to one slice, and what they
spend is taken from it. Where timing must not decide anything (``tune`` false), training waits for every probe.
"""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final

from backend.core.analyses.base import TICK, Events, Tick
from backend.core.analyses.race import RaceView
from backend.schemas.analysis import AnyProbe
from backend.schemas.events import AnyEvent
from backend.schemas.run import Probe

SLICE: Final = 0.05  # seconds
Start = Callable[[AnyProbe, RaceView], Events]
Follow = Callable[[RaceView], Events]


@dataclass
class _Seat:
    """One probe of the request, and what it is doing."""

    probe: Probe
    now: Events | None = None  # at work
    waiting: deque[Events] = field(default_factory=deque)  # due since, and not dropped


class Probes:
    """The probes of a race.

    Args:
        probes: as requested.
        start: makes the generator of a probe that works on a step's view.
        follow: extends the paths on the planes that are drawn already.
        tune: whether a late probe may be dropped, and work may be spread by timing.
    """

    def __init__(self, probes: Sequence[Probe], start: Start, follow: Follow, tune: bool) -> None:
        self._seats = tuple(_Seat(probe) for probe in probes)
        self._start, self._follow, self._tune = start, follow, tune
        self._seen, self._credit, self._turn = -1, 0.0, 0

    @property
    def busy(self) -> bool:
        """Whether a probe is at work."""
        return any(seat.now is not None for seat in self._seats)

    @property
    def hold(self) -> bool:
        """Whether training must wait: the next probe fell due before this one ended, and is not to be dropped."""
        return any(seat.waiting or (seat.now is not None and not self._tune) for seat in self._seats)

    def due(self, step: int, *, ended: bool = False) -> bool:
        """Whether a probe falls due at this step: each at the first step and at the end, and every so many steps."""
        return any(ended or self._falls_due(seat, step) for seat in self._seats)

    def begin(self, race: RaceView) -> None:
        """Start what falls due at the view's step; what falls due at the end is never dropped."""
        for seat in self._seats:
            if not race.ended:
                if not self._falls_due(seat, race.step):
                    continue
                if seat.now is not None and self._tune and seat.probe.late == "skip":
                    continue
            seat.waiting.append(self._start(seat.probe.analysis, race))
            if seat.now is None:
                seat.now = seat.waiting.popleft()
        self._seen = race.step

    def follow(self, race: RaceView) -> Events:
        """Extend the paths to a view, at the probes' expense."""
        work = self._follow(race)
        while (event := self._charged(work)) is not None:
            yield event

    def earn(self, seconds: float) -> None:
        """Credit what training has spent."""
        self._credit = min(self._credit + seconds, SLICE)

    def share(self) -> Events:
        """Work for as long as the credit lasts."""
        while self._credit > 0.0 and self.busy:
            yield self._advance()

    def work(self, seconds: float) -> Events:
        """Work through time that training does not use, free of charge: until it is over or nothing is left to do."""
        end, credit = perf_counter() + min(seconds, SLICE), self._credit
        while self.busy:
            yield self._advance()
            self._credit = credit
            if perf_counter() >= end:
                return

    def close(self) -> None:
        """Stop all of them where they are."""
        for seat in self._seats:
            for generator in (seat.now, *seat.waiting):
                if isinstance(generator, Generator):
                    generator.close()
            seat.now = None
            seat.waiting.clear()

    def _advance(self) -> AnyEvent | Tick:
        """Let the next probe that is at work do one piece of it."""
        at_work = [seat for seat in self._seats if seat.now is not None]
        seat = at_work[self._turn % len(at_work)]
        self._turn += 1
        event = None if seat.now is None else self._charged(seat.now)
        if event is None:
            seat.now = seat.waiting.popleft() if seat.waiting else None
        return event or TICK

    def _charged(self, work: Events) -> AnyEvent | Tick | None:
        """Let a piece of work be done; None when there is no more of it."""
        began = perf_counter()
        event = next(work, None)
        self._credit -= perf_counter() - began
        return event

    def _falls_due(self, seat: _Seat, step: int) -> bool:
        return step // seat.probe.every > self._seen // seat.probe.every
