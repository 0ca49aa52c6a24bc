"""The plane that a recorded path moved in, without a model: its two leading principal components. Numpy alone.

Shapes: T moments, P parameters.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np

from backend.jobs.snapshot_files import KeptMoment
from backend.schemas.events import Axis, PathPoints, Plane

REACH: Final = 0.8  # how far towards the picture's edge the path goes


def recorded_path(lane: str, moments: Sequence[KeptMoment]) -> tuple[Plane, PathPoints] | None:
    """Fit a plane to a path, and lay the path on it.

    Args:
        lane: its name.
        moments: finite ones, in order of steps.

    Returns:
        The plane and the path, its losses NaN: they were not evaluated; None for a path that does not move.
    """
    path_TP = np.stack([moment.params_P for moment in moments]).astype(np.float64)
    apart_TP = path_TP - path_TP.mean(axis=0)
    values_T, vectors_TT = np.linalg.eigh(apart_TP @ apart_TP.T)
    total = float(values_T.clip(min=0).sum())
    if len(moments) < 3 or not values_T[-2] > 1e-12 * values_T[-1] > 0:
        return None
    axes_2P = (apart_TP.T @ vectors_TT[:, [-1, -2]]).T
    axes_2P /= np.linalg.norm(axes_2P, axis=1, keepdims=True)
    axes_2P *= np.where(axes_2P @ (path_TP[-1] - path_TP[0]) < 0, -1.0, 1.0)[:, None]
    at_T2 = apart_TP @ axes_2P.T
    off_T = np.linalg.norm(apart_TP - at_T2 @ axes_2P, axis=1)
    middle_2, half_2 = (at_T2.max(0) + at_T2.min(0)) / 2, (at_T2.max(0) - at_T2.min(0)) / 2 / REACH
    shares = [float(value) / total for value in values_T[[-1, -2]]]
    name = hashlib.sha256(axes_2P.astype(np.float32).tobytes()).hexdigest()[:12]
    labels = [
        Axis(label=f"PC{i + 1} ({100 * share:.0f} %)", scale=float(half))
        for i, (share, half) in enumerate(zip(shares, half_2, strict=True))
    ]
    plane = Plane(
        step=moments[-1].step, plane=name, kind_of_plane="pca", normalization=None, bias=None, batchnorm="frozen",
        extent=1.0, u_norm=float(half_2[0]), v_norm=float(half_2[1]), explained=(shares[0], shares[1]),
        axis_a=labels[0], axis_b=labels[1],
    )  # fmt: skip
    a_T, b_T = ((at_T2 - middle_2) / half_2).T
    steps_T = np.array([moment.step for moment in moments], np.int32)
    return plane, PathPoints(
        lane=lane, plane=name, step=steps_T, a=a_T, b=b_T, off_plane=off_T, loss=np.full(len(moments), np.nan)
    )
