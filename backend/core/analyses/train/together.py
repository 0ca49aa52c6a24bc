"""One step of several lanes: gradients that can be taken side by side are taken by one program.

Shapes: L lanes, P parameters.
"""

from collections.abc import Sequence
from time import perf_counter

import torch

from backend.core.analyses.train.lane import LaneRun
from backend.core.problems.abreast import Abreast, abreast
from backend.core.problems.problem import Problem
from backend.schemas.run import TrainRequest


class Together:
    """Lets lanes take a step, each by its own rule, batch, hyper-parameters and random stream.

    Lanes whose rule begins with the gradient of its batch where it stands get that gradient from one program for all of
    them, where that is faster: that of one point after the other to a rounding error. A single lane gets it from the
    same program, so that on a CPU its numbers do not hang on which lanes are beside it: a lane that goes on without the
    others goes on as it would have. What a lane does with its gradient touches no other lane.

    Args:
        problem: what is trained.
        request: the race; with ``tune`` false autograd gives every lane's gradient alone.
    """

    def __init__(self, problem: Problem, request: TrainRequest) -> None:
        self._program: Abreast | None = abreast(problem, request.batch_size) if request.tune else None

    def advance(self, lanes: Sequence[LaneRun]) -> dict[LaneRun, bool]:
        """Let each lane take a step.

        Args:
            lanes: all at the same step.

        Returns:
            Which of them are still sound.
        """
        side_by_side = [lane for lane in lanes if lane.abreast]
        found: dict[LaneRun, bool] = {}
        if self._program is not None and side_by_side:
            found = self._side_by_side(self._program, side_by_side)
        return {lane: found[lane] if lane in found else lane.advance() for lane in lanes}

    def _side_by_side(self, program: Abreast, lanes: Sequence[LaneRun]) -> dict[LaneRun, bool]:
        began = perf_counter()
        batches = [lane.begin() for lane in lanes]
        with torch.no_grad():
            params_LP = torch.stack([lane.params_P for lane in lanes])
        loss_L, grad_LP = program.gradients(params_LP, batches)
        losses, norms = loss_L.tolist(), torch.linalg.vector_norm(grad_LP, dim=1).tolist()
        spent = [(perf_counter() - began) / len(lanes)] * len(lanes)
        for i, lane in enumerate(lanes):
            began = perf_counter()
            lane.move(batches[i], (loss_L[i], grad_LP[i]))
            spent[i] += perf_counter() - began
        with torch.no_grad():
            sizes = torch.linalg.vector_norm(torch.stack([lane.params_P for lane in lanes]), dim=1).tolist()
        return {lane: lane.note(losses[i], norms[i], spent[i], sizes[i]) for i, lane in enumerate(lanes)}
