"""The loss along paths between two points.

Shapes: P parameters, B buffer values, n control points, T places along a path.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
from torch import Tensor

from backend.core.analyses.base import TICK, Context, Events, Moment, Point, Tick
from backend.core.analyses.batch_loss import fresh_batches
from backend.core.analyses.curve_plane import draw_curve_plane
from backend.core.analyses.failures import NotFinite, Unsupported
from backend.core.analyses.places import points_of, started
from backend.core.geometry.bend import train_bends
from backend.core.geometry.curve import Curve, barrier, bent, straight
from backend.core.geometry.halves import halved
from backend.core.geometry.matching import match_activations, match_weights
from backend.core.geometry.permutation import Permutations, identity, permuted, permuted_buffers
from backend.core.problems.network import NetworkProblem
from backend.core.problems.problem import BatchNormPolicy, Data, Problem
from backend.core.runtime.seeding import generator
from backend.schemas.analysis.connectivity import ConnectivityAnalysis, PathKind
from backend.schemas.events import Barrier, Progress

LOOKS: Final = 5  # times that a curve is shown while it is trained
WATCHED: Final = 1000  # training examples on which activations are compared, at most
ORDER: Final[tuple[PathKind, ...]] = ("linear", "matched", "dropout", "bezier", "chain")  # the quick ones first


@dataclass(frozen=True)
class _Way:
    """A curve with the buffers [n, B] of its control points, and what to say of it."""

    path: PathKind
    curve: Curve
    buffers_nB: Tensor
    point: int | None = None  # of a path that belongs to one point
    moved: float | None = None


class _Ends(NamedTuple):
    a: Moment
    b: Moment


class Connectivity:
    """Barriers between two points, path by path."""

    def unsupported(self, problem: Problem, spec: ConnectivityAnalysis) -> str | None:
        """Return None, or why there is no such path here."""
        asked = {spec.path, *spec.beside}
        if asked & {"matched", "dropout"} and not (isinstance(problem, NetworkProblem) and problem.units):
            return (
                "Matched and dropout paths need hidden units that may change places, and this problem has none; "
                "take linear, bezier or chain, or a network with a hidden layer."
            )
        return problem.check_deterministic()

    def run(self, problem: Problem, spec: ConnectivityAnalysis, ctx: Context) -> Events:
        """Yield a ``Barrier`` for each path and split, and of trained curves several on the way.

        Raises:
            Unsupported: where there are not two points.
            NotFinite: where one of them is not finite.
        """
        points = points_of(problem, ctx)
        yield started(problem, points)
        paths = [path for path in ORDER if path in {spec.path, *spec.beside}]
        _check(points, paths)
        for path in paths:
            yield from self._draw(problem, spec, ctx, points, path)

    def _draw(
        self, problem: Problem, spec: ConnectivityAnalysis, ctx: Context, points: Sequence[Point], path: PathKind
    ) -> Events:
        if path == "dropout":
            for index, point in enumerate(points):
                yield from told(problem, spec, _to_half(problem, point, index), final=True)
            return
        ends = _Ends(points[0].moment, points[1].moment)
        buffers_2B = torch.stack([ends.a.buffers_B, ends.b.buffers_B])
        match path:
            case "linear":
                way = _Way(path, straight(ends.a.params_P, ends.b.params_P), buffers_2B)
                yield from told(problem, spec, way, final=True)
            case "matched":
                yield TICK
                way = yield from matched(problem, spec, ends, ctx.seed)
                yield from told(problem, spec, way, final=True)
            case _:
                yield from self._bend(problem, spec, ctx, points, path)

    def _bend(
        self, problem: Problem, spec: ConnectivityAnalysis, ctx: Context, points: Sequence[Point], path: PathKind
    ) -> Events:
        ends = _Ends(points[0].moment, points[1].moment)
        count = 1 if path == "bezier" else spec.bends
        curve = bent("bezier" if path == "bezier" else "chain", ends.a.params_P, ends.b.params_P, count)
        buffers_nB = bent("chain", ends.a.buffers_B, ends.b.buffers_B, count).controls_nP
        random = generator(ctx.seed, "connectivity", path)
        look = -(-spec.steps // LOOKS)
        # BatchNorm's running statistics are thrown away here, and re-estimated along the finished curve.
        loss_at = fresh_batches(problem, ends.a.buffers_B.clone(), spec.batch_size, random)
        training = train_bends(curve, loss_at, spec.steps, spec.lr, random)
        for step, curve in enumerate(training, start=1):
            yield Progress(phase=path, done=step, total=spec.steps) if step % 20 == 0 else TICK
            if step % look == 0 or step == spec.steps:
                yield from told(problem, spec, _Way(path, curve, buffers_nB), final=step == spec.steps)
        if spec.surface:
            yield from draw_curve_plane(problem, spec, ctx, curve, points)


def told(problem: Problem, spec: ConnectivityAnalysis, way: _Way, *, final: bool) -> Events:
    """Take the loss along a path, on both splits, one place between two ticks.

    Yields:
        A ``Barrier`` for each split; of a function one, called train.
    """
    t_T = torch.linspace(0, 1, spec.points, dtype=torch.float64)
    distance = float((way.curve.controls_nP[-1] - way.curve.controls_nP[0]).norm())
    splits = [("train", problem.train), *([] if problem.test is None else [("test", problem.test)])]
    for name, data in splits:
        rows = []
        for t in t_T.tolist():
            params_P = way.curve.at(t)
            buffers_B = Curve(way.curve.shape, way.buffers_nB).at(t)
            rows.append(measured(problem, params_P, buffers_B, data, spec.batchnorm))
            yield TICK
        loss_T = torch.tensor([loss for loss, _ in rows], dtype=torch.float64)
        accuracy = [share for _, share in rows if share is not None]
        top = int((loss_T - ((1 - t_T) * loss_T[0] + t_T * loss_T[-1])).argmax())
        yield Barrier(
            point=way.point,
            path=way.path,
            split=name,
            t=t_T.to(problem.dtype).numpy(),
            loss=loss_T.to(problem.dtype).numpy(),
            accuracy=torch.tensor(accuracy, dtype=problem.dtype).numpy() if accuracy else None,
            barrier=barrier(loss_T, t_T),
            peak=float(t_T[top]),
            height=float(loss_T[top]),
            distance=distance,
            moved=way.moved,
            final=final,
        )


@torch.no_grad()
def measured(
    problem: Problem, params_P: Tensor, buffers_B: Tensor, data: Data | None, batchnorm: BatchNormPolicy
) -> tuple[float, float | None]:
    """Loss and accuracy of a split at one place; a function has a loss alone."""
    if isinstance(problem, NetworkProblem) and data is not None:
        return problem.evaluate(params_P, buffers_B, data, batchnorm)
    return float(problem.loss(params_P, buffers_B, data, batchnorm)), None


def matched(problem: Problem, spec: ConnectivityAnalysis, ends: _Ends, seed: int) -> Generator[Tick, None, _Way]:
    """Move the second end's units to where the first end's do the same work, and draw the straight line there.

    Yields:
        A tick after each sweep.

    Returns:
        The line from the first end to the permuted second, whose function is the same.
    """
    network = _network(problem)
    places: Permutations = identity(network.units)
    if spec.matching == "weights":
        search = match_weights(
            network.layout, network.units, ends.a.params_P, ends.b.params_P, generator(seed, "connectivity", "matched")
        )
        for reached in search:
            places = reached.permutations
            yield TICK
    else:
        x = _train(network).x[:WATCHED]
        values = [network.hidden(end.params_P, end.buffers_B, x) for end in ends]
        yield TICK
        places = match_activations(network.units, *values)
    b_P = permuted(ends.b.params_P, network.layout, network.units, places)
    b_B = permuted_buffers(ends.b.buffers_B, network.buffer_layout, network.units, places)
    moved = sum(int((perm_n != torch.arange(len(perm_n))).sum()) for perm_n in places)
    share = moved / sum(group.size for group in network.units)
    return _Way("matched", straight(ends.a.params_P, b_P), torch.stack([ends.a.buffers_B, b_B]), moved=share)


def _to_half(problem: Problem, point: Point, index: int) -> _Way:
    network, moment = _network(problem), point.moment
    half_P = halved(moment.params_P, network.layout, network.units)
    return _Way("dropout", straight(moment.params_P, half_P), torch.stack([moment.buffers_B] * 2), point=index)


def _check(points: Sequence[Point], paths: Sequence[PathKind]) -> None:
    if len(points) != 2 and tuple(paths) != ("dropout",):
        raise Unsupported(
            f"A path needs two points, its ends, and {len(points)} came; name two in at, as in two lanes of a run."
        )
    for number, point in enumerate(points, start=1):
        if not bool(point.moment.params_P.isfinite().all()):
            raise NotFinite(
                f"The parameters of point {number}, at step {point.moment.step}, are not finite: no path ends there."
            )
    sizes = [point.moment.params_P.numel() for point in points]
    if len(set(sizes)) > 1:
        raise Unsupported(
            f"The points have {' and '.join(f'{size:,}' for size in sizes)} parameters: there is no path between "
            "networks of different shapes; take two points of the same problem."
        )


def _network(problem: Problem) -> NetworkProblem:
    if not isinstance(problem, NetworkProblem):
        raise Unsupported("Matched and dropout paths need a network.")
    return problem


def _train(problem: Problem) -> Data:
    if problem.train is None:
        raise Unsupported("Activations are compared on training examples, and there are none.")
    return problem.train


CONNECTIVITY: Final = Connectivity()
