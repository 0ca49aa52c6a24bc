"""Training as an analysis: the main loop of a race."""

from collections.abc import Generator
from time import perf_counter
from typing import Literal

from backend.core.analyses.base import TICK, Context, Events, Tick
from backend.core.analyses.lane_probes import LaneProbes, OfLanes
from backend.core.analyses.race import RaceView
from backend.core.analyses.race_probes import PlaneBook, start_probe
from backend.core.analyses.sharpness import Tracks
from backend.core.analyses.train.controls import obey
from backend.core.analyses.train.plan import Plan
from backend.core.analyses.train.probes import SLICE, Probes
from backend.core.analyses.train.race import Race
from backend.core.optimizers.registry import rule_of
from backend.core.problems.problem import Problem
from backend.schemas.analysis import AnyProbe, SharpnessAnalysis
from backend.schemas.events import AnyEvent
from backend.schemas.run import TrainRequest

Training = Generator[AnyEvent | Tick, None, Literal["cancelled"] | None]


class Train:
    """1–8 lanes on one problem, from one initial point, with the same batches, stepped in turn."""

    def unsupported(self, problem: Problem, spec: TrainRequest) -> str | None:
        """Return None, or the sentence of the first lane or probe that this problem cannot have."""
        for lane in spec.lanes:
            sentence = rule_of(lane.optimizer).unsupported(lane.optimizer, problem)
            if sentence is not None:
                return f"Lane {lane.name!r}: {sentence}"
        from backend.core.analyses.registry import analysis_for  # which lists this class too

        for probe in spec.probes:
            sentence = analysis_for(probe.analysis).unsupported(problem, probe.analysis)
            if sentence is not None:
                return f"{probe.analysis.title}: {sentence}"
        return None

    def run(self, problem: Problem, spec: TrainRequest, ctx: Context) -> Training:
        """Race until every lane has ended, then let the probes end.

        Yields:
            ``started``, then what happens, as it happens.

        Returns:
            ``"cancelled"`` where a control message has cancelled the whole run, else None (the generator's value).
        """
        race = Race(problem, spec, ctx)
        probes = _probes(problem, spec, ctx)
        try:
            yield race.started()
            yield from race.begin()
            plan = Plan(race)
            while race.running:
                yield from plan.obey(race)
                yield from _look(race, probes)
                yield from _listen(race, ctx)
                wait = race.clock.wait(perf_counter())
                if race.running and wait == 0.0 and not probes.hold:
                    yield from _step(race, probes)
                elif race.running:
                    yield from _rest(race, probes, ctx, wait)
            if not race.cancelled:
                yield from race.tell()
                yield from _look(race, probes)
            while probes.busy and not race.cancelled:
                yield from _listen(race, ctx)
                yield from probes.work(SLICE)
        finally:
            probes.close()
        return "cancelled" if race.cancelled else None


def _probes(problem: Problem, spec: TrainRequest, ctx: Context) -> Probes:
    book, tracks = PlaneBook(problem, spec.probes, ctx.keeper, ctx.planes, spec.tune), Tracks(problem, spec.seed)
    lanes = LaneProbes(problem, spec.seed)

    def start(analysis: AnyProbe, race: RaceView) -> Events:
        if isinstance(analysis, SharpnessAnalysis):
            return tracks.begin(analysis, race)
        if isinstance(analysis, OfLanes):
            return lanes.begin(analysis, race)
        return start_probe(analysis, problem, book, race)

    return Probes(spec.probes, start, book.follow, spec.tune)


def _step(race: Race, probes: Probes) -> Events:
    """Let each lane take a step, then give the probes their share."""
    began = perf_counter()
    race.clock.stepped(began)
    for lane, sound in race.advance().items():
        yield from race.settle(lane, sound)
    probes.earn(perf_counter() - began)
    if race.running and race.quiet() == 0.0:
        yield from _tell(race, probes)
    yield from probes.share()


def _rest(race: Race, probes: Probes, ctx: Context, wait: float) -> Events:
    """Use the time in which training waits: for its pace, for a person, or for a probe."""
    if race.quiet() == 0.0:
        yield from _tell(race, probes)
    if probes.busy:
        yield from probes.work(wait if wait > 0.0 else SLICE)
    else:
        ctx.idle(min(wait, race.quiet() or SLICE))
        yield TICK


def _look(race: Race, probes: Probes) -> Events:
    """Start the probes that fall due; paths are brought up to this step first, so that they do not hang on timing."""
    if probes.due(race.step, ended=not race.running):
        view = race.view()
        yield from probes.follow(view)
        probes.begin(view)


def _listen(race: Race, ctx: Context) -> Events:
    for control in ctx.controls():
        yield from obey(race, control)


def _tell(race: Race, probes: Probes) -> Events:
    yield from race.tell()
    if race.request.probes:
        yield from probes.follow(race.view())
