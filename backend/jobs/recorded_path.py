"""The plane that a recorded path moved in, without a model: its two leading principal components. Numpy alone.

Shapes: T moments, M moments that the plane is fitted to, P parameters, K parameters of a block.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.jobs.snapshot_files import KeptMoment
from backend.schemas.events import Axis, PathPoints, Plane

REACH: Final = 0.8  # how far towards the picture's edge the path goes
FEWEST: Final = 3  # moments of a plane
MOST: Final = 128  # moments that it is fitted to, spread over the path; fewer where they would take more than
ROOM: Final = 256 << 20  # bytes at once
BLOCK: Final = 250_000  # values held in float64 at once: what fits in a core's cache
Read = Callable[[Sequence[int]], Iterable[KeptMoment]]


def recorded_path(lane: str, steps: Sequence[int], read: Read) -> tuple[Plane, PathPoints] | None:
    """Fit a plane to a path, and lay the path on it; moments that are not finite are left out.

    With Y the M moments' differences from the first one and J the centring matrix, the eigenvectors e₁, e₂ of the small
    matrix J·Y·Yᵀ·J give the principal components p_k = Yᵀ·J·e_k/√λ_k. Each moment of the path is then laid by two
    products with them. Accumulated in float64; cost: (M²/2 + 4T)·P.

    Args:
        lane: its name.
        steps: of the path's moments, rising.
        read: gives moments by their steps.

    Returns:
        The plane and the path, its losses NaN: they were not evaluated; None for a path that does not move.
    """
    if len(steps) < FEWEST:
        return None
    size = next(iter(read(steps[:1]))).params_P.nbytes
    most = int(np.clip(ROOM // size, FEWEST, MOST))
    spread = sorted({steps[i] for i in np.linspace(0, len(steps) - 1, min(most, len(steps))).round().astype(int)})
    fitted = [moment.params_P for moment in _finite(read(spread))]
    if len(fitted) < FEWEST:
        return None
    gram_MM = np.zeros((len(fitted), len(fitted)))
    for _, apart_MK in _blocks(fitted):
        gram_MM += apart_MK @ apart_MK.T
    middle_M = gram_MM.mean(0)
    values_M, vectors_MM = np.linalg.eigh(gram_MM - middle_M[:, None] - middle_M[None, :] + middle_M.mean())
    if not values_M[-2] > 1e-12 * values_M[-1] > 0:
        return None
    weights_M2 = vectors_MM[:, [-1, -2]] - vectors_MM[:, [-1, -2]].mean(0)
    axes_2P, mean_P = np.empty((2, len(fitted[0]))), np.empty(len(fitted[0]))
    for here, apart_MK in _blocks(fitted):
        axes_2P[:, here] = weights_M2.T @ apart_MK
        mean_P[here] = fitted[0][here] + apart_MK.mean(0)
    axes_2P /= np.linalg.norm(axes_2P, axis=1, keepdims=True)
    axes_2P *= np.where(axes_2P @ (fitted[-1].astype(np.float64) - fitted[0]) < 0, -1.0, 1.0)[:, None]
    laid_T, at, off = [], [], []
    for some in np.array_split(np.array(steps), -(-len(steps) // most)):
        for moment in _finite(read(some.tolist())):
            apart_P = moment.params_P - mean_P
            laid_T.append(moment.step)
            at.append(axes_2P @ apart_P)
            off.append(np.linalg.norm(apart_P - at[-1] @ axes_2P))
    at_T2 = np.array(at)
    return _told(lane, np.array(laid_T, np.int32), at_T2, np.array(off), values_M)


def _told(
    lane: str, steps_T: NDArray[np.int32], at_T2: NDArray[Any], off_T: NDArray[Any], values_M: NDArray[Any]
) -> tuple[Plane, PathPoints]:
    """Return the plane as it is told, as large as the path needs, and the path on it."""
    middle_2, half_2 = (at_T2.max(0) + at_T2.min(0)) / 2, (at_T2.max(0) - at_T2.min(0)) / 2 / REACH
    total = float(values_M.clip(min=0).sum())
    shares = [float(value) / total for value in values_M[[-1, -2]]]
    name = hashlib.sha256(steps_T.tobytes() + at_T2.tobytes()).hexdigest()[:12]
    labels = [
        Axis(label=f"PC{i + 1} ({100 * share:.0f} %)", scale=float(half))
        for i, (share, half) in enumerate(zip(shares, half_2, strict=True))
    ]
    plane = Plane(
        step=int(steps_T[-1]), plane=name, kind_of_plane="pca", normalization=None, bias=None, batchnorm="frozen",
        extent=1.0, u_norm=float(half_2[0]), v_norm=float(half_2[1]), explained=(shares[0], shares[1]),
        axis_a=labels[0], axis_b=labels[1],
    )  # fmt: skip
    a_T, b_T = ((at_T2 - middle_2) / half_2).T
    lossless_T = np.full(len(steps_T), np.nan)
    return plane, PathPoints(lane=lane, plane=name, step=steps_T, a=a_T, b=b_T, off_plane=off_T, loss=lossless_T)


def _finite(moments: Iterable[KeptMoment]) -> Iterator[KeptMoment]:
    return (moment for moment in moments if np.isfinite(moment.params_P).all())


def _blocks(fitted: Sequence[NDArray[Any]]) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Give the differences from the first moment [M, K], block by block."""
    width = max(1, BLOCK // len(fitted))
    for start in range(0, len(fitted[0]), width):
        here = slice(start, start + width)
        yield here, np.stack([params_P[here] for params_P in fitted]) - fitted[0][here].astype(np.float64)
