"""A race that runs: its lanes, its clock, its probes, and what it tells after each step."""

from collections.abc import Iterator
from time import perf_counter
from typing import Final, Literal

from backend.core.analyses.base import Context, Moment, Path
from backend.core.analyses.race import RaceView
from backend.core.analyses.train.batches import Batches, FreshPoints, Steps
from backend.core.analyses.train.clock import Clock
from backend.core.analyses.train.lane import LaneRun
from backend.core.analyses.train.start import lane_starts
from backend.core.analyses.train.together import Together
from backend.core.problems.problem import Problem
from backend.core.runtime.snapshots import KeptMoments, capacity_of
from backend.core.runtime.threads import threads
from backend.schemas.events import AnyEvent, Checkpoint, LaneEnded, Progress, Snapshot, Started
from backend.schemas.run import TrainRequest

INTERVAL: Final = 0.05  # seconds between two chunks
CHECKPOINTS: Final = 10  # of each lane, evenly over the steps
Reason = Literal["done", "diverged", "cancelled"]


class Race:
    """All lanes of all repeats, or a part's share of them, stepped in turn so that they advance together."""

    def __init__(self, problem: Problem, request: TrainRequest, ctx: Context) -> None:
        self.problem, self.request, self.ctx = problem, request, ctx
        self.clock = Clock(request.pace, due=perf_counter())
        self.cancelled = False
        starts = lane_starts(problem, request, ctx)
        batches = {repeat: _batches(problem, request, repeat) for repeat in {start.repeat for start in starts}}
        self.lanes = tuple(
            LaneRun(problem, request, spec, repeat, start, batches[repeat], state)
            for spec, repeat, start, state in starts
        )
        self._together = Together(problem, request)
        self._start = starts[0][2]
        values = self._start.params_P.nbytes + self._start.buffers_B.nbytes
        # Of the whole race, so that what is kept does not hang on where its lanes are.
        capacity = capacity_of(request.snapshots.budget_mb * 1e6, len(request.lanes) * request.repeats, values)
        self._kept = {lane: KeptMoments(capacity) for lane in self.lanes}
        self._newest = {lane: lane.moment() for lane in self.lanes}
        self._before: dict[LaneRun, Moment] = {}  # one step earlier
        self._recent: dict[LaneRun, list[Moment]] = {lane: [] for lane in self.lanes}
        self._diverged: set[tuple[str, int]] = set()
        self._told, self._shown = 0.0, -1  # when, and the step that was last told

    @property
    def step(self) -> int:
        """What the lanes that run have reached; once none does, the furthest."""
        return min((lane.step for lane in self.lanes if lane.running), default=max(lane.step for lane in self.lanes))

    @property
    def running(self) -> bool:
        """Whether any lane takes another step."""
        return any(lane.running for lane in self.lanes)

    def front(self) -> list[LaneRun]:
        """Return the lanes whose turn it is: those that are least far (all of them, unless they were resumed apart)."""
        step = self.step
        return [lane for lane in self.lanes if lane.running and lane.step == step]

    def advance(self) -> dict[LaneRun, bool]:
        """Let the lanes whose turn it is take a step; which of them are still sound."""
        with threads(self.ctx.threads):
            return self._together.advance(self.front())

    def started(self) -> Started:
        """Say what is about to run."""
        train = self.problem.train
        return Started(
            device=str(self.problem.device),
            dtype=self.request.dtype,
            parameters=self.problem.layout.size,
            examples=0 if train is None else len(train),
            lanes=tuple(lane.name for lane in self.request.lanes),
            parts=self.ctx.parts,
            points=tuple(point.resolved for point in self.ctx.points),
        )

    def begin(self) -> Iterator[AnyEvent]:
        """Evaluate and keep where every lane starts."""
        for lane in self.lanes:
            over = lane.step >= self.request.steps  # resumed where there is nothing left to do
            yield from self._evaluate(lane)
            yield from self._keep(lane, tell=not over)
            if over:
                yield from self.end(lane, "done")

    def settle(self, lane: LaneRun, sound: bool) -> Iterator[AnyEvent]:
        """Tell and keep what a step has led to."""
        reason: Reason | None = "diverged" if not sound else "done" if lane.step >= self.request.steps else None
        if reason is None and lane.step % self.request.eval_every:
            yield from self._keep(lane, tell=False)
        else:
            yield from self._evaluate(lane)
            yield from self._keep(lane, tell=reason is None)
        if reason is not None:
            yield from self.end(lane, reason)
        elif lane.step % max(self.request.steps // CHECKPOINTS, 1) == 0:
            yield lane.columns.take()  # first: whoever knows of the checkpoint has all rows before it
            yield self._checkpoint(lane)

    def end(self, lane: LaneRun, reason: Reason) -> Iterator[AnyEvent]:
        """Let a lane take no more steps; its last moment is kept, and its checkpoint unless it diverged."""
        lane.running = False
        if lane.columns.step:
            yield lane.columns.take()
        if lane.finite():
            if not self._kept[lane].holds(lane.step):
                self.ctx.keeper.snapshot(lane.name, lane.repeat, lane.moment())
            yield Snapshot(lane=lane.name, repeat=lane.repeat, step=lane.step)
        if reason == "diverged":
            self._diverged.add((lane.name, lane.repeat))
        else:
            yield self._checkpoint(lane)
        yield LaneEnded(lane=lane.name, repeat=lane.repeat, step=lane.step, reason=reason)

    def quiet(self) -> float:
        """Return the seconds until it is time to tell: 50 ms after the last time, and at once while it is paused."""
        return 0.0 if self.clock.paused else max(0.0, self._told + INTERVAL - perf_counter())

    def tell(self) -> Iterator[AnyEvent]:
        """Send the rows of every lane since they were last sent, and how far the race is."""
        for lane in self.lanes:
            if lane.columns.step:
                yield lane.columns.take()
        if self.step != self._shown:
            self._shown = self.step
            yield Progress(phase="training", done=self.step, total=self.request.steps)
        self._told = perf_counter()

    def view(self) -> RaceView:
        """Freeze this step for the probes."""
        recent = tuple(Path(lane.name, lane.repeat, tuple(moments)) for lane, moments in self._recent.items())
        for moments in self._recent.values():
            moments.clear()
        return RaceView(
            seed=self.request.seed,
            steps=self.request.steps,
            step=self.step,
            start=self._start,
            paths=tuple(
                Path(lane.name, lane.repeat, kept.path(self._newest[lane])) for lane, kept in self._kept.items()
            ),
            recent=recent,
            lanes=tuple(lane.view(self._newest[lane], self._before.get(lane)) for lane in self.lanes),
            diverged=frozenset(self._diverged),
            ended=not self.running,
        )

    def _evaluate(self, lane: LaneRun) -> list[AnyEvent]:
        with threads(self.ctx.threads):
            return list(lane.evaluate())

    def _keep(self, lane: LaneRun, *, tell: bool) -> Iterator[AnyEvent]:
        """Keep the lane's moment where the policy wants it."""
        kept = self._kept[lane]
        wanted = kept.wants(lane.step)
        if not (wanted or self.request.probes) or not lane.finite():
            return
        moment = lane.moment()
        if self.request.probes:
            if moment.step > self._newest[lane].step:
                self._before[lane] = self._newest[lane]
            self._newest[lane] = moment
            self._recent[lane].append(moment)
        if wanted:
            still = kept.add(moment)
            self.ctx.keeper.snapshot(lane.name, lane.repeat, moment)
            if still is not None:
                self.ctx.keeper.thin(lane.name, lane.repeat, still)
        if tell and kept.holds(lane.step):
            yield Snapshot(lane=lane.name, repeat=lane.repeat, step=lane.step)

    def _checkpoint(self, lane: LaneRun) -> Checkpoint:
        self.ctx.keeper.checkpoint(lane.state())
        return Checkpoint(lane=lane.name, repeat=lane.repeat, step=lane.step)


def _batches(problem: Problem, request: TrainRequest, repeat: int) -> Steps | None:
    seed = request.seed + repeat
    if problem.solution is not None:
        fresh = FreshPoints(problem.solution, request.batch_size, seed)
        if fresh.drawn:
            return fresh
    return None if problem.train is None else Batches(problem.train, request.batch_size, seed)
