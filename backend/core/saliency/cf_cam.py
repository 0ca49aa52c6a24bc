"""Class activation maps from clusters of channels.

Shapes: N examples, K channels, h × w places; A a layer's pictures, g = ∂f_c/∂A.
"""

from typing import Final, Literal

import numpy as np
import torch
from sklearn.cluster import DBSCAN
from torch import Tensor

from backend.core.saliency.explained import Estimate, Estimates, Score
from backend.core.saliency.features import enlarged, layer

Weighting = Literal["softmax", "raw"]
IMPORTANT: Final = 75  # percentile of the channels' norms from which a channel stands for itself
NEAR: Final = 25  # percentile of the channels' distances that is DBSCAN's reach
NOISE: Final = -1  # DBSCAN's label of a channel without a cluster
SPATIAL, RANGE = 5.0, 0.1  # of the filter


def cf_cam(score: Score, x: Tensor, index: int, weighting: Weighting) -> Estimates:
    """Yield ReLU(Σ w_k A_k), enlarged, over important channels and clusters of the others.

    Channels of large norm keep the mean of their own gradient; the others are clustered by DBSCAN, what belongs to no
    cluster is dropped, and each cluster's weight is the mean of its filtered mean gradient. As published the weights
    then go through a softmax; since they are tiny it makes them all but equal, and the map is that of any class. The
    ``raw`` variant leaves the softmax out and depends on the class.

    CF-CAM 2025, Cluster filter class activation mapping. Its published code filters by a convolution of the gradient
    with a kernel made of itself; here the filter is bilateral, as its text says.

    Args:
        score: f_c.
        x: the inputs.
        index: the layer.
        weighting: ``softmax`` as published, or ``raw``.

    Yields:
        The map, once.
    """
    found = layer(score, x, index)
    maps = [_one(maps, slopes, weighting) for maps, slopes in zip(found.map_NKhw, found.slope_NKhw, strict=True)]
    yield Estimate(enlarged(torch.stack(maps), x), 1, True)


def _one(map_Khw: Tensor, slope_Khw: Tensor, weighting: Weighting) -> Tensor:
    labels = _clusters(map_Khw)
    pictures, weights = [], []
    for label in sorted(set(labels.tolist()) - {NOISE}):
        members = torch.from_numpy(np.flatnonzero(labels == label)).to(map_Khw.device)
        way_hw = slope_Khw[members].mean(0)
        pictures.append(map_Khw[members].mean(0))
        weights.append((way_hw if len(members) == 1 else _filtered(way_hw)).mean())
    weight_J = torch.stack(weights)
    if weighting == "softmax":
        weight_J = weight_J.softmax(0)
    return (weight_J[:, None, None] * torch.stack(pictures)).sum(0).clamp(min=0)


def _clusters(map_Khw: Tensor) -> np.ndarray:
    """Label each channel: an important one has a label of its own."""
    rows = map_Khw.flatten(1).double().cpu().numpy()
    norms = np.linalg.norm(rows, axis=1)
    important = norms >= np.percentile(norms, IMPORTANT)
    labels = np.full(len(rows), NOISE)
    rest = np.flatnonzero(~important)
    if len(rest) > 1:
        distances = np.linalg.norm(rows[rest, None] - rows[None, rest], axis=2)
        reach = float(np.percentile(distances[~np.eye(len(rest), dtype=bool)], NEAR))
        fewest = max(2, int(0.05 * len(rest)))
        found = DBSCAN(eps=max(reach, 1e-12), min_samples=fewest, metric="precomputed").fit(distances)
        labels[rest] = found.labels_
    first = labels.max() + 1
    labels[important] = first + np.arange(int(important.sum()))
    return labels


def _filtered(way_hw: Tensor) -> Tensor:
    """Filter by neighbours that are near in place and in value (a bilateral filter, Tomasi & Manduchi 1998)."""
    height, width = way_hw.shape
    row, column = torch.meshgrid(
        torch.arange(height, device=way_hw.device), torch.arange(width, device=way_hw.device), indexing="ij"
    )
    place_u2 = torch.stack([row, column], -1).flatten(0, 1).to(way_hw.dtype)
    value_u = way_hw.flatten()
    near_uu = torch.cdist(place_u2, place_u2) ** 2 / (2 * SPATIAL**2)
    alike_uu = (value_u[:, None] - value_u[None, :]) ** 2 / (2 * RANGE**2)
    weight_uu = (-near_uu - alike_uu).exp()
    return (weight_uu @ value_u / weight_uu.sum(1)).view(height, width)
