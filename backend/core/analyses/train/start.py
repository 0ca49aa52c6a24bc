"""Where the lanes of a race start: at the initial point, at an origin, or where a checkpoint left them.

Shapes: P parameters, B buffer values.
"""

from typing import NamedTuple

from backend.core.analyses.base import Context, LaneState, Moment
from backend.core.analyses.failures import Unsupported
from backend.core.analyses.shares import share
from backend.core.problems.problem import Problem
from backend.schemas.run import Lane, TrainRequest


class Start(NamedTuple):
    """A lane of one repeat, and where it starts; ``state`` is the checkpoint that it goes on from."""

    lane: Lane
    repeat: int
    moment: Moment
    state: LaneState | None


def lane_starts(problem: Problem, request: TrainRequest, ctx: Context) -> tuple[Start, ...]:
    """Return the starts of all lanes, of the first repeat first; of a part of a race those that it holds.

    Repeats draw their initial points and batches from seed, seed + 1, … With an origin every lane starts there, at
    step 0. With ``resume`` each goes on at the step of its own checkpoint, up to ``request.steps`` in all.

    Args:
        problem: what is trained.
        request: the race.
        ctx: with the origin as its first point, or the states to resume from; ``part`` says whose lanes.

    Returns:
        One start for each lane and repeat.

    Raises:
        Unsupported: where the origin or a checkpoint is of another problem, or a lane has no checkpoint.
    """
    states = {(state.lane, state.repeat): state for state in ctx.resume}
    whole = [(repeat, lane) for repeat in range(request.repeats) for lane in request.lanes]
    mine = share(whole, ctx.part, ctx.parts, _cost)
    fresh: dict[int, Moment] = {}
    found = []
    for repeat, lane in mine:
        if not request.resume:
            if repeat not in fresh:
                fresh[repeat] = _placed(problem, _moment(problem, request, repeat, ctx))
            found.append(Start(lane, repeat, fresh[repeat], None))
        else:
            state = _state(states, lane.name, repeat)
            moment = Moment(state.step, state.tensors["params"], state.tensors["buffers"])
            found.append(Start(lane, repeat, _placed(problem, moment), state))
    return tuple(found)


def _cost(piece: tuple[int, Lane]) -> float:
    return piece[1].optimizer.gradients + sum(each.gradients for each in piece[1].filters)


def _moment(problem: Problem, request: TrainRequest, repeat: int, ctx: Context) -> Moment:
    if ctx.points:
        origin = ctx.points[0].moment
        return Moment(0, origin.params_P, origin.buffers_B)
    return Moment(0, *problem.params0(request.seed + repeat))


def _state(states: dict[tuple[str, int], LaneState], lane: str, repeat: int) -> LaneState:
    if (lane, repeat) not in states:
        there = ", ".join(sorted({name for name, _ in states})) or "none"
        raise Unsupported(
            f"The run has no checkpoint of lane {lane!r}, repeat {repeat} (lanes with one: {there}); "
            "resume those, or fork without resume."
        )
    return states[lane, repeat]


def _placed(problem: Problem, moment: Moment) -> Moment:
    """Bring a moment to the problem's device and number format, if it is one of this problem's at all."""
    for name, tensor, layout in (
        ("parameters", moment.params_P, problem.layout),
        ("buffer values", moment.buffers_B, problem.buffer_layout),
    ):
        if tensor.numel() != layout.size:
            raise Unsupported(
                f"This problem has {layout.size} {name} and the origin {tensor.numel()}; "
                "start from a moment of the same problem."
            )
    return Moment(
        moment.step,
        moment.params_P.detach().to(problem.device, problem.dtype),
        moment.buffers_B.detach().to(problem.device, problem.dtype),
    )
