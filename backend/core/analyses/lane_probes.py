"""Probes of a running race that look at each lane by itself: spectra, eigenspaces, gradients, saliency, roughness."""

from itertools import chain

from backend.core.analyses.base import Events, Moment, Point
from backend.core.analyses.curvature import Site, Where
from backend.core.analyses.gradient_stats import GRADIENT_STATS
from backend.core.analyses.gradient_tellers import Place
from backend.core.analyses.movement import MOVEMENT, Way
from backend.core.analyses.ntk import NTK
from backend.core.analyses.overlap import Spaces
from backend.core.analyses.race import LaneView, RaceView
from backend.core.analyses.roughness import ROUGHNESS
from backend.core.analyses.saliency import SALIENCY
from backend.core.analyses.saliency_trust import SALIENCY_TRUST
from backend.core.analyses.solution import SOLUTION
from backend.core.analyses.spectrum import SPECTRUM
from backend.core.curvature.operator import NotFiniteCurvature
from backend.core.problems.problem import Problem
from backend.core.runtime.seeding import generator
from backend.schemas.analysis import (
    GradientStatsAnalysis,
    MovementAnalysis,
    NtkAnalysis,
    OverlapAnalysis,
    RoughnessAnalysis,
    SaliencyAnalysis,
    SaliencyTrustAnalysis,
    SolutionAnalysis,
    SpectrumAnalysis,
)
from backend.schemas.events import ResolvedPoint

OfLanes = (
    SpectrumAnalysis
    | OverlapAnalysis
    | RoughnessAnalysis
    | GradientStatsAnalysis
    | NtkAnalysis
    | SaliencyAnalysis
    | SaliencyTrustAnalysis
    | SolutionAnalysis
    | MovementAnalysis
)
_Key = tuple[OfLanes, str, int]


class LaneProbes:
    """What the probes of a race remember of each lane between two looks.

    Args:
        problem: of the race.
        seed: of the request.
    """

    def __init__(self, problem: Problem, seed: int) -> None:
        self._problem, self._seed = problem, seed
        self._seen: dict[_Key, int] = {}
        self._spaces: dict[_Key, Spaces] = {}
        self._pictured: set[OfLanes] = set()  # what never changes was told

    def begin(self, spec: OfLanes, race: RaceView) -> Events:
        """Look at every lane that has moved since the last look; one that has diverged is left alone.

        Yields:
            The events of each lane; nothing more of a lane whose curvature is not finite, which is about to diverge.
        """
        for lane in race.lanes:
            key = (spec, lane.lane, lane.repeat)
            if lane.moment.step > self._seen.get(key, -1) and (lane.lane, lane.repeat) not in race.diverged:
                self._seen[key] = lane.moment.step
                try:
                    yield from self._look(spec, lane, key, race)
                except NotFiniteCurvature:
                    continue

    def _look(self, spec: OfLanes, lane: LaneView, key: _Key, race: RaceView) -> Events:
        site = self._site(spec, lane)
        match spec:
            case SpectrumAnalysis():
                return chain(
                    SPECTRUM.outliers(self._problem, spec, site), SPECTRUM.densities(self._problem, spec, site)
                )
            case OverlapAnalysis():
                if key not in self._spaces:
                    random = generator(self._seed, spec.kind, lane.lane, lane.repeat)
                    self._spaces[key] = Spaces(self._problem, spec, random)
                return self._spaces[key].look(site, lane.update_P)
            case RoughnessAnalysis():
                return ROUGHNESS.look(self._problem, spec, site, self._seed)
            case GradientStatsAnalysis():
                return GRADIENT_STATS.look(self._problem, spec, self._place(spec, site, lane, race))
            case NtkAnalysis():
                return NTK.look(self._problem, spec, site)
            case SaliencyAnalysis():
                return SALIENCY.look(self._problem, spec, self._seed, site)
            case SaliencyTrustAnalysis():
                return SALIENCY_TRUST.look(self._problem, spec, self._seed, site)
            case SolutionAnalysis():
                return SOLUTION.look(self._problem, spec, site)
            case MovementAnalysis():
                start = self._kept(lane, race)[0]
                return MOVEMENT.look(self._problem, spec, site.where, Way(lane.moment, start, lane.update_P, lane.push))

    def _place(self, spec: GradientStatsAnalysis, site: Site, lane: LaneView, race: RaceView) -> Place:
        kept = self._kept(lane, race)
        first = spec not in self._pictured
        self._pictured.add(spec)
        trail = kept if kept[-1].step >= lane.moment.step else (*kept, lane.moment)
        return Place(site, lane.update_P, trail, first)

    def _kept(self, lane: LaneView, race: RaceView) -> tuple[Moment, ...]:
        return next(path.moments for path in race.paths if (path.lane, path.repeat) == (lane.lane, lane.repeat))

    def _site(self, spec: OfLanes, lane: LaneView) -> Site:
        step = lane.moment.step
        where = Where(lane=lane.lane, repeat=lane.repeat, step=step, point=None)
        point = Point(ResolvedPoint(lane=lane.lane, repeat=lane.repeat, step=step), lane.moment)
        return Site(where, point, generator(self._seed, spec.kind, lane.lane, lane.repeat, step))
