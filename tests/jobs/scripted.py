"""A workshop of scripted analyses: the request's name says what happens. Spawned workers import it, too."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import numpy as np
import torch

from backend.core.analyses.base import TICK, Context, Events, LaneState, Moment
from backend.core.analyses.failures import NotFinite
from backend.core.problems.problem import Problem
from backend.core.runtime.seeding import generator
from backend.schemas.base import SpecModel
from backend.schemas.catalog import Catalog
from backend.schemas.control import Cancel
from backend.schemas.events import (
    AnyEvent,
    Checkpoint,
    Controlled,
    LaneEnded,
    PathPoints,
    Progress,
    Snapshot,
    SurfaceTile,
)
from backend.schemas.problem import FunctionProblem
from backend.schemas.run import AnyRequest, TrainRequest

WORKSHOP = "tests.jobs.scripted:SCRIPTED"


def numbers(n: int) -> Iterator[AnyEvent]:
    for i in range(n):
        yield Progress(phase="counting", done=i, total=n)


class Script:
    """Plays what the request's name asks for."""

    def unsupported(self, problem: Problem, spec: SpecModel) -> str | None:
        return "this cannot be analysed so" if getattr(spec, "name", "") == "unsupported" else None

    def run(self, problem: Problem, spec: SpecModel, ctx: Context) -> Events:
        assert isinstance(spec, TrainRequest)
        name, _, value = spec.name.partition(" ")
        script = getattr(self, f"play_{name}")
        yield from script(int(value or 0), problem, spec, ctx)

    def play_numbers(self, n: int, problem: Problem, spec: TrainRequest, ctx: Context) -> Events:
        yield from numbers(n)

    def play_fail(self, n: int, problem: Problem, spec: TrainRequest, ctx: Context) -> Events:
        yield from numbers(3)
        raise [
            KeyError("lost"),
            MemoryError(),
            RuntimeError("DefaultCPUAllocator: can't allocate memory"),
            NotFinite("NaN here"),
            FloatingPointError("NaN there"),
        ][n]

    def play_endless(self, n: int, problem: Problem, spec: TrainRequest, ctx: Context) -> Events:
        yield Progress(phase="endless", done=0, total=0)
        while True:
            for control in ctx.controls():
                yield Controlled(action=control.action)
                if isinstance(control, Cancel) and control.lane is None:
                    yield LaneEnded(lane="SGD", step=0, reason="cancelled")
                    return
            ctx.idle(0.05)
            yield TICK

    def play_deaf(self, n: int, problem: Problem, spec: TrainRequest, ctx: Context) -> Events:
        yield Progress(phase="deaf", done=os.getpid(), total=0)
        threading.Event().wait()
        yield TICK

    def play_killed(self, n: int, problem: Problem, spec: TrainRequest, ctx: Context) -> Events:
        yield from numbers(n)
        time.sleep(0.1)  # let the last batch fall due, and be sent
        os.kill(os.getpid(), signal.SIGKILL)

    def play_large(self, n: int, problem: Problem, spec: TrainRequest, ctx: Context) -> Events:
        for level in (1, 2):
            loss = np.full((n, n), level, np.float64)
            loss[0, 0], loss[0, 1] = np.nan, np.inf
            axis = np.arange(n, dtype=np.float64)
            yield SurfaceTile(
                plane="p", level=n, a=axis, b=axis, loss=loss, stderr=None, bound=None, data_fraction=1.0, final=True
            )

    def play_part(self, n: int, problem: Problem, spec: TrainRequest, ctx: Context) -> Events:
        yield from numbers(4)

    def play_random(self, n: int, problem: Problem, spec: TrainRequest, ctx: Context) -> Events:
        drawn = torch.randn(n, n, generator=generator(spec.seed, "test"))
        path = torch.linalg.matrix_power(drawn / n, 3).numpy()
        for i, row in enumerate(path):
            step = np.arange(i, i + n, dtype=np.int32)
            yield PathPoints(lane="SGD", plane="p", step=step, a=row, b=row, off_plane=row, loss=row)
            yield TICK

    def play_keep(self, n: int, problem: Problem, spec: TrainRequest, ctx: Context) -> Events:
        params_P, buffers_B = problem.params0(spec.seed)
        for lane in spec.lanes:
            for step in range(n):
                ctx.keeper.snapshot(lane.name, 0, Moment(step, params_P + step, buffers_B))
            ctx.keeper.checkpoint(LaneState(lane.name, 0, n - 1, {"params": params_P + n - 1}, {"rule": "x"}))
            yield Snapshot(lane=lane.name, step=n - 1)
            yield Checkpoint(lane=lane.name, step=n - 1)
        ctx.keeper.plane("abc123", Moment(0, params_P, buffers_B), params_P * 0 + 1, params_P * 0 + 2)

    def play_keep_nan(self, n: int, problem: Problem, spec: TrainRequest, ctx: Context) -> Events:
        params_P, buffers_B = problem.params0(spec.seed)
        ctx.keeper.snapshot("SGD", 0, Moment(0, params_P * float("nan"), buffers_B))
        yield TICK

    def play_slow(self, n: int, problem: Problem, spec: TrainRequest, ctx: Context) -> Events:
        for event in numbers(n):
            ctx.idle(0.05)
            yield event

    def play_points(self, n: int, problem: Problem, spec: TrainRequest, ctx: Context) -> Events:
        for point in ctx.points:
            yield Progress(phase=f"{point.moment.params_P.tolist()}", done=point.moment.step, total=len(point.paths))
        for state in ctx.resume:
            yield Progress(phase=f"{state.lane} {state.tensors['params'].tolist()}", done=state.step, total=0)


class Scripted:
    """A workshop whose every analysis is the script; the settings are always the request of a race."""

    def catalog(self) -> Catalog:
        return Catalog(problems=(), models=(), losses=(), optimizers=(), schedules=(), planes=(), analyses=())

    def analysis(self, request: AnyRequest) -> tuple[Script, SpecModel]:
        if isinstance(request, TrainRequest):
            return Script(), request
        problem = request.problem or FunctionProblem()
        return Script(), TrainRequest(name=request.name, seed=request.seed, problem=problem)

    def warm(self) -> tuple[AnyRequest, ...]:
        return (TrainRequest(name="numbers 1", problem=FunctionProblem()),)


SCRIPTED = Scripted()
