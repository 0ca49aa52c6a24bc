"""The plane of the two leading principal components of the lanes' moments.

Shapes: P parameters, M moments that are fitted, n moments in all.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final

import torch
from torch import Generator, Tensor

from backend.core.analyses.base import Moment, Path
from backend.core.geometry.directions import exact, gaussian
from backend.core.geometry.plane import Plane
from backend.core.problems.problem import BatchNormPolicy
from backend.schemas.events import Axis

MOST_MOMENTS: Final = 128  # of one fit; fewer where the Gram matrix would take more than WORK products
FEWEST_MOMENTS: Final = 16
WORK: Final = 200_000_000
BLOCK: Final = 250_000  # values held in float64 at once: what fits in a core's cache
REACH: Final = 0.8  # all moments lie within ±REACH, so that the paths have a margin of landscape around them
DEGENERATE: Final = 1e-9  # a second component of less than this share of the first is rounding


def fit_pca(
    paths: Sequence[Path],
    generator: Generator,
    extent: float = 1.0,
    batchnorm: BatchNormPolicy = "frozen",
    like: Plane | None = None,
    ahead: bool = False,
) -> Plane | None:
    """Fit the plane that holds most of the paths' movement.

    With Y the moments' differences from the first one, and J the centring matrix, the eigenvectors e₁, e₂ of the small
    matrix J·Y·Yᵀ·J [M, M] give the principal components p_k = Yᵀe_k/√λ_k [P]; λ_k/Σλ is the explained share of the
    variance. The origin is the mean, moved within the plane to the middle of the box of all projected moments;
    u = p₁ and v = p₂ are as long as puts all moments within ±0.8. Moments that are not finite are left out. Cost:
    M²·P products with M ≤ 128 moments, spread evenly over each path. Accumulated in float64.

    Where all moments lie on one line, v is a random direction at right angles to it, as long as u, and its share is 0.

    Li et al. 2018, Visualizing the loss landscape of neural nets, section 7.

    Args:
        paths: the lanes' moments.
        generator: draws the second direction where there is none.
        extent: how far the picture reaches, in units of u and v.
        batchnorm: which statistics BatchNorm uses on the plane; the frozen ones are the mean of the lanes' last.
        like: an earlier plane; the signs of u and v are chosen to point its way. Without one the paths go right and up.
        ahead: leave room, too, for where each lane will be after as many steps again, if it goes on as it did in the
            second half of its path: θ_T + 2(θ_T − θ_{T/2}).

    Returns:
        The plane, or None where fewer than two finite moments differ.
    """
    chosen = _spread(paths)
    moments = [moment for path in chosen for moment in path]
    if len(moments) < 2:
        return None
    reference_P = exact(moments[0].params_P)
    gram_MM = sum((block_MK @ block_MK.T for block_MK in _differences(moments)), start=reference_P.new_zeros(()))
    mean_M = gram_MM.mean(dim=0)
    values_M, vectors_MM = torch.linalg.eigh(gram_MM - mean_M[:, None] - mean_M[None, :] + mean_M.mean())
    (second, first), total = values_M[-2:].tolist(), float(values_M.clamp(min=0).sum())
    if not first > 0:
        return None
    # Columns: the two components' weights, and the mean's.
    weights_M3 = torch.cat([vectors_MM[:, [-1, -2]], torch.full_like(vectors_MM[:, :1], 1 / len(moments))], dim=1)
    p1_P, p2_P, mean_P = torch.cat([block_MK.T @ weights_M3 for block_MK in _differences(moments)]).T
    p1_P = p1_P / p1_P.norm()
    flat = second <= DEGENERATE * first
    if flat:
        p2_P = gaussian(len(p1_P), generator).to(p1_P.device)
    p2_P = p2_P / p2_P.norm()
    p2_P = p2_P - (p2_P @ p1_P) * p1_P
    p2_P = p2_P / p2_P.norm()

    inside = [moment.params_P for path in paths for moment in path.moments]
    if ahead:
        inside += [3 * path[-1].params_P - 2 * path[len(path) // 2].params_P for path in chosen]
    low_2, high_2 = _box(inside, reference_P, torch.stack([p1_P, p2_P], dim=1))
    half_2 = (high_2 - low_2) / 2
    length_2 = half_2[[0, 0]] if flat else half_2
    u_P, v_P = p1_P * (length_2[0] / REACH), p2_P * (length_2[1] / REACH)
    middle_2 = (low_2 + high_2) / 2
    origin_P = mean_P + (middle_2[0] - mean_P @ p1_P) * p1_P + (middle_2[1] - mean_P @ p2_P) * p2_P + reference_P

    newest = [path[-1] for path in chosen]
    way = [exact(like.u_P), exact(like.v_P)] if like is not None else [_movement(chosen)] * 2
    u_P, v_P = (-d_P if float(d_P @ way_P) < 0 else d_P for d_P, way_P in zip((u_P, v_P), way, strict=True))
    shares = (first / total, 0.0 if flat else second / total)
    place = moments[0].params_P
    buffers_B = torch.stack([exact(moment.buffers_B) for moment in newest]).mean(dim=0)
    return Plane(
        kind="pca",
        origin=Moment(max(moment.step for moment in newest), origin_P.to(place), buffers_B.to(place)),
        u_P=u_P.to(place),
        v_P=v_P.to(place),
        extent=extent,
        batchnorm=batchnorm,
        explained=shares,
        axis_a=Axis(label=f"PC1 ({100 * shares[0]:.0f} %)", scale=float(u_P.norm())),
        axis_b=Axis(label=f"PC2 ({100 * shares[1]:.0f} %)", scale=float(v_P.norm())),
    )


def _spread(paths: Sequence[Path]) -> list[list[Moment]]:
    """Choose the moments that are fitted, path by path: as many of each as the work allows, at least its last."""
    size = max((path.moments[0].params_P.numel() for path in paths if path.moments), default=1)
    most = min(MOST_MOMENTS, max(FEWEST_MOMENTS, math.isqrt(WORK // size)))
    # Of more paths than moments can be fitted, every second, third … takes part.
    some = paths[:: max(1, -(-len(paths) // most))]
    return [chosen for chosen in (_chosen(path, most // len(some)) for path in some) if chosen]


def _chosen(path: Path, most: int) -> list[Moment]:
    """Spread at most so many finite moments evenly over a path, its last among them, and its first where it can be."""
    moments = list(path.moments)
    while moments and not _finite(moments[-1]):
        moments.pop()
    count = min(most, len(moments))
    places = {len(moments) - 1 - round(k * (len(moments) - 1) / max(1, count - 1)) for k in range(count)}
    return [moments[place] for place in sorted(places) if _finite(moments[place])]


def _finite(moment: Moment) -> bool:
    return math.isfinite(torch.linalg.vector_norm(exact(moment.params_P)).item())


def _differences(moments: Sequence[Moment]) -> Iterator[Tensor]:
    """Yield the moments' differences from the first one in blocks of columns, [M, K] in float64."""
    for parts in zip(*(torch.split(moment.params_P, max(1, BLOCK // len(moments))) for moment in moments), strict=True):
        block_MK = exact(torch.stack(parts))
        yield block_MK - block_MK[0]


def _box(inside: list[Tensor], reference_P: Tensor, axes_P2: Tensor) -> tuple[Tensor, Tensor]:
    """Lowest and highest coordinates [2] of all finite points along two axes, from a reference."""
    # In the points' own number format: this sets the picture's margins, and touches every moment there is.
    reference_P, axes_P2 = reference_P.to(inside[0]), axes_P2.to(inside[0])
    rows = max(1, BLOCK // len(reference_P))
    parts = [torch.stack(inside[at : at + rows]) - reference_P for at in range(0, len(inside), rows)]
    found_n2 = exact(torch.cat([part_mP @ axes_P2 for part_mP in parts]))
    found_n2 = found_n2[found_n2.isfinite().all(dim=1)]
    return found_n2.amin(dim=0), found_n2.amax(dim=0)


def _movement(chosen: Sequence[Sequence[Moment]]) -> Tensor:
    """The paths' displacements from first to last moment, added up, [P]."""
    moved = [exact(path[-1].params_P) - exact(path[0].params_P) for path in chosen]
    return torch.stack(moved).sum(dim=0)
