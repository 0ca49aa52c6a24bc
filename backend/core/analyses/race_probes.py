"""Probes of a running race that look at all lanes on one plane: its surface, and the lanes' paths on it.

Timing decides nothing here: planes are fitted when a probe starts, from the view of its step, and paths are made of
every step's moment in turn, so that only the number of events they are sent in hangs on when they are asked for.
"""

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from backend.core.analyses.base import TICK, Events, Keeper, LaidPlane, Moment, Path, Tick
from backend.core.analyses.race import RaceView
from backend.core.analyses.surface import draw_surface
from backend.core.geometry.evaluate import Sample, measure, sample
from backend.core.geometry.fit import fit_plane
from backend.core.geometry.path import Place, Walker, path_points, places
from backend.core.geometry.plane import Plane
from backend.core.problems.problem import BatchNormPolicy, Problem
from backend.schemas import events
from backend.schemas.analysis import AnyPlane, PcaPlane, SurfaceAnalysis, TrajectoryAnalysis
from backend.schemas.run import Probe

OnPlane = SurfaceAnalysis | TrajectoryAnalysis


class _Probe(NamedTuple):
    """A probe that looks at a plane."""

    every: int
    late: Literal["wait", "skip"]
    analysis: OnPlane


class _Key(NamedTuple):
    """What two probes must have in common to share a plane."""

    plane: AnyPlane
    extent: float
    batchnorm: BatchNormPolicy


class _Mark(NamedTuple):
    """A lane's moment, by name."""

    lane: str
    repeat: int
    step: int


@dataclass(frozen=True)
class _Rows:
    """Places of one walker on one plane that have not been sent."""

    plane: Plane
    walker: Walker
    places: Sequence[Place]


@dataclass
class _Sheet:
    """One plane of the race as it is now, and the paths on it."""

    key: _Key
    probes: tuple[_Probe, ...]
    where: Sample  # what the paths' losses are measured on
    plane: Plane | None = None
    fitted: int = 0  # the step at which it was
    drawn: dict[SurfaceAnalysis, Plane] = field(default_factory=dict)
    unsent: deque[_Rows | Plane] = field(default_factory=deque)
    unmeasured: dict[_Mark, Moment] = field(default_factory=dict)
    losses: dict[_Mark, float] = field(default_factory=dict)

    @property
    def surfaces(self) -> tuple[_Probe, ...]:
        """The probes that draw its surface."""
        return tuple(probe for probe in self.probes if isinstance(probe.analysis, SurfaceAnalysis))

    @property
    def trails(self) -> tuple[_Probe, ...]:
        """The probes that draw the paths on it."""
        return tuple(probe for probe in self.probes if isinstance(probe.analysis, TrajectoryAnalysis))

    @property
    def leader(self) -> _Probe:
        """The probe whose steps decide when a PCA plane is fitted anew: a surface's, so that paths stay on it."""
        return (self.surfaces or self.trails)[0]

    @property
    def moves(self) -> bool:
        """Whether its plane is fitted to the paths, and fitted anew as they grow."""
        return isinstance(self.key.plane, PcaPlane)

    def outgrown(self, step: int) -> bool:
        """Whether the paths are twice as long as when the plane was fitted to them."""
        return self.moves and step >= 2 * self.fitted

    def measured_at(self, step: int, steps: int) -> bool:
        """Whether the true loss is evaluated at this step of the paths."""
        return step == steps or any(step % probe.every == 0 for probe in self.trails)


class PlaneBook:
    """The planes of a race: one for each plane that its probes ask for, shared by those that ask for the same.

    A random or a coordinate plane is laid once, through the start; a kept one is taken up as it is. A PCA plane is
    fitted to all lanes' kept moments (without the lanes that diverged, unless all did) when its leading probe first
    falls due, and again when it falls due at twice the step of the last fit or later, and at the end; each fit is a new
    plane, to which the whole paths are sent. The loss along the paths is evaluated at the multiples of ``every`` and at
    the last step.
    """

    def __init__(
        self,
        problem: Problem,
        asked: Sequence[Probe],
        keeper: Keeper,
        planes: Mapping[str, LaidPlane] | None = None,
        tune: bool = False,
    ) -> None:
        self._problem, self._keeper, self._planes, self._tune = problem, keeper, planes, tune
        probes = [_Probe(p.every, p.late, p.analysis) for p in asked if isinstance(p.analysis, OnPlane)]
        shared: dict[_Key, list[_Probe]] = {}
        for probe in probes:
            shared.setdefault(_key_of(probe.analysis, probes), []).append(probe)
        self._sheets = {key: _Sheet(key, tuple(group), _sample_of(problem, group)) for key, group in shared.items()}
        self._of = {probe.analysis: self._sheets[_key_of(probe.analysis, probes)] for probe in probes}
        self._seen: dict[tuple[str, int], int] = {}
        self._told: set[str] = set()
        self._step = 0

    def follow(self, race: RaceView) -> Events:
        """Bring the paths up to a view: every step since the one before, projected.

        To be called with every view there is, before the probes that fall due at it are started.

        Yields:
            ``PathPoints`` of each lane, after the ``Plane`` they lie on; a tick after each loss.
        """
        self._note(race)
        yield from self.unsent()

    def begin(self, spec: OnPlane, race: RaceView) -> Plane | None:
        """Lay or fit the plane of a probe that falls due, if it is time; return it as it is now."""
        self._note(race)
        sheet = self._of[spec]
        late = sheet.plane is None or sheet.outgrown(race.step) or (race.ended and race.step > sheet.fitted)
        if sheet.moves and late and spec == sheet.leader.analysis:
            self._lay(sheet, race)
        return sheet.plane

    def draw(self, spec: SurfaceAnalysis, plane: Plane, step: int) -> Events:
        """Draw the surface on a plane.

        Where late probes may be dropped, drawing also ends when there is a newer plane, or when it is time for one: a
        coarse surface under the lanes is worth more than a fine one that they have left.

        Yields:
            The ``Plane`` where it has not been sent, then its ``SurfaceTile`` events; none where it is drawn already.
        """
        sheet = self._of[spec]
        if sheet.drawn.get(spec) is not plane:
            sheet.drawn[spec] = plane
            yield from self._draw(sheet, spec, plane, step)

    def _draw(self, sheet: _Sheet, spec: SurfaceAnalysis, plane: Plane, step: int) -> Events:
        yield from self._announce(plane, sheet)
        shown = False
        for event in draw_surface(self._problem, plane, spec, step=step, tune=self._tune):
            yield event
            shown = shown or not isinstance(event, Tick)
            if sheet.leader.late == "skip" and (sheet.plane is not plane or (shown and sheet.outgrown(self._step))):
                return

    def unsent(self) -> Events:
        """Send what has been noted of the paths, in its order, whoever asks for it."""
        for sheet in self._sheets.values():
            while sheet.unmeasured or sheet.unsent:
                if sheet.unmeasured:
                    mark, moment = next(iter(sheet.unmeasured.items()))
                    sheet.losses[mark] = measure(sheet.where, moment.params_P, moment.buffers_B).loss
                    del sheet.unmeasured[mark]
                    yield TICK
                    continue
                item = sheet.unsent.popleft()
                if isinstance(item, Plane):
                    yield from self._announce(item, sheet)
                else:
                    who = item.walker
                    marks = [_Mark(who.lane or "", who.repeat, place.step) for place in item.places]
                    losses = [sheet.losses.get(mark, math.nan) for mark in marks]
                    yield path_points(item.plane, who, item.places, losses)

    def _announce(self, plane: Plane, sheet: _Sheet) -> Iterator[events.Plane]:
        if plane.id not in self._told:
            self._told.add(plane.id)
            yield plane.event(sheet.fitted if plane is sheet.plane else plane.origin.step)

    def _note(self, race: RaceView) -> None:
        """Project every moment that is new, one by one (see :func:`places`), and queue it."""
        self._step = race.step
        for sheet in self._sheets.values():
            if sheet.plane is None and not sheet.moves:
                self._lay(sheet, race)
        for path in race.recent:
            seen = self._seen.get((path.lane, path.repeat), -1)
            fresh = [moment for moment in path.moments if moment.step > seen]
            if not fresh:
                continue
            self._seen[path.lane, path.repeat] = fresh[-1].step
            for sheet in self._sheets.values():
                if sheet.trails:
                    self._extend(sheet, Walker(path.lane, path.repeat), fresh, race.steps)

    def _extend(self, sheet: _Sheet, walker: Walker, fresh: Sequence[Moment], steps: int) -> None:
        for moment in fresh:
            if sheet.measured_at(moment.step, steps):
                sheet.unmeasured[_Mark(walker.lane or "", walker.repeat, moment.step)] = moment
        if sheet.plane is not None:
            found = [place for moment in fresh for place in places(sheet.plane, [moment])]
            sheet.unsent.append(_Rows(sheet.plane, walker, found))

    def _lay(self, sheet: _Sheet, race: RaceView) -> None:
        """Make a sheet's plane from a view, and queue the whole paths if it is a fitted one."""
        fair = [path for path in race.paths if (path.lane, path.repeat) not in race.diverged]
        plane = fit_plane(
            sheet.key.plane,
            self._problem,
            race.start,
            fair or race.paths,
            race.seed,
            extent=sheet.key.extent,
            batchnorm=sheet.key.batchnorm,
            like=sheet.plane,
            ahead=not race.ended,
            kept=self._planes,
        )
        if plane is None:
            return
        sheet.plane, sheet.fitted = plane, race.step
        self._keeper.plane(plane.id, plane.origin, plane.u_P, plane.v_P, plane.event())
        if sheet.trails:
            sheet.unsent.append(plane)
            if sheet.moves:
                sheet.unsent.extend(_whole(plane, path) for path in race.paths)


def start_probe(spec: OnPlane, problem: Problem, book: PlaneBook, race: RaceView) -> Events:
    """Start a probe that falls due; the view is read at once, the work is done as the result is advanced.

    Args:
        spec: the probe's analysis.
        problem: of the race.
        book: the race's planes.
        race: the view of the step at which the probe falls due.

    Returns:
        The probe's events; none where there is nothing new to draw.
    """
    plane = book.begin(spec, race)
    if isinstance(spec, TrajectoryAnalysis):
        return book.unsent()
    return book.draw(spec, plane, race.step) if plane is not None else iter(())


def _whole(plane: Plane, path: Path) -> _Rows:
    return _Rows(plane, Walker(path.lane, path.repeat), places(plane, path.moments))


def _key_of(spec: OnPlane, probes: Sequence[_Probe]) -> _Key:
    """A path lies on the first surface of the same plane, if there is one."""
    if isinstance(spec, SurfaceAnalysis):
        return _Key(spec.plane, spec.extent, spec.batchnorm)
    for probe in probes:
        other = probe.analysis
        if isinstance(other, SurfaceAnalysis) and other.plane == spec.plane:
            return _Key(other.plane, other.extent, other.batchnorm)
    return _Key(spec.plane, 1.0, spec.batchnorm)


def _sample_of(problem: Problem, group: Sequence[_Probe]) -> Sample:
    """The surface's own data, where there is a surface."""
    first = next((probe for probe in group if isinstance(probe.analysis, SurfaceAnalysis)), group[0]).analysis
    return sample(problem, first.data_fraction, first.batchnorm)
