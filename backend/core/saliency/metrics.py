"""Whether a map can be believed.

Shapes: N examples, F… an input's own shape, F values of it.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Generator, Tensor

from backend.core.saliency.explained import Score

Explain = Callable[[Tensor], Tensor]  # inputs [N, F…] → maps of the same shape


def capped(map_NF: Tensor, percentile: float = 99.0) -> tuple[Tensor, Tensor]:
    """Return the maps with their sizes cut at a percentile of each example's |map|, and the caps [N]."""
    sizes = map_NF.flatten(1).abs()
    cap_N = torch.quantile(sizes.double(), percentile / 100, dim=1).to(map_NF.dtype)
    cap = cap_N.view(-1, *[1] * (map_NF.dim() - 1))
    return map_NF.clamp(-cap, cap), cap_N


def curve(score_of: Score, x: Tensor, baseline: Tensor, found: Tensor, steps: int, *, insert: bool) -> Iterator[Tensor]:
    """Yield the target's score [N] at 0, 1, … ``steps`` as pixels are deleted, or inserted, the most important first.

    Petsiuk, Das & Saenko 2018, RISE: randomized input sampling for explanation of black-box models.

    Args:
        score_of: usually the target's probability.
        x: inputs.
        baseline: what stands for a pixel that is not there.
        found: maps of the inputs' shape, or without their channels, which then go together; larger is more important.
        steps: equal groups of pixels.
        insert: begin with the baseline and insert, rather than begin with the input and delete.

    Yields:
        The scores; the area under the curve is their mean by the trapezoid rule.
    """
    order_NF = found.flatten(1).argsort(1, descending=True)
    rank_NF = torch.empty_like(order_NF).scatter_(
        1, order_NF, torch.arange(order_NF.shape[1], device=x.device).expand_as(order_NF)
    )
    base = baseline.expand_as(x)
    for step in range(steps + 1):
        first = (rank_NF < round(step * order_NF.shape[1] / steps)).view_as(found)
        first = first if found.dim() == x.dim() else first[:, None]
        with torch.no_grad():
            scored = score_of(torch.where(first, x, base) if insert else torch.where(first, base, x))
        yield scored


def area(curve_SN: Tensor) -> Tensor:
    """Return the area under a curve over [0, 1] by the trapezoid rule [N]."""
    return torch.trapezoid(curve_SN, dx=1 / (len(curve_SN) - 1), dim=0)


def infidelity(score: Score, x: Tensor, found: Tensor, level: float, samples: int, generator: Generator) -> Tensor:
    """Return E[(⟨I, map⟩ − (f_c(x) − f_c(x − I)))²] [N], I ~ N(0, level²): how badly the map tells of small changes.

    Yeh et al. 2019, On the (in)fidelity and sensitivity of explanations.
    """
    noise = level * torch.randn((samples, *x.shape), generator=generator, dtype=x.dtype).to(x.device)
    with torch.no_grad():
        change = score(x) - score((x - noise).flatten(0, 1)).view(samples, len(x))
    told = (noise * found).flatten(2).sum(2)
    return (told - change).pow(2).mean(0)


def max_sensitivity(explain: Explain, x: Tensor, radius: float, samples: int, generator: Generator) -> Tensor:
    """Return max ‖map(x + δ) − map(x)‖ / ‖map(x)‖ [N] over draws of δ, uniform in the box of this radius.

    Yeh et al. 2019, On the (in)fidelity and sensitivity of explanations.
    """
    own = explain(x).flatten(1)
    largest = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    for _ in range(samples):
        shift = (2 * torch.rand(x.shape, generator=generator, dtype=x.dtype).to(x.device) - 1) * radius
        away = (explain(x + shift).flatten(1) - own).norm(dim=1) / own.norm(dim=1)
        largest = torch.maximum(largest, away)
    return largest


def correlation(one: Tensor, other: Tensor) -> Tensor:
    """Return Pearson's correlation of two sets of maps, an example each [N]; NaN for a constant map."""
    first, second = (each.flatten(1) - each.flatten(1).mean(1, keepdim=True) for each in (one, other))
    cosine_N: Tensor = (first * second).sum(1) / (first.norm(dim=1) * second.norm(dim=1))
    return cosine_N


def rank_correlation(one: Tensor, other: Tensor) -> Tensor:
    """Return Spearman's correlation of two sets of maps, an example each [N]; equal values share their mean rank."""
    return correlation(_ranks(one), _ranks(other))


def _ranks(found: Tensor) -> Tensor:
    rows: list[Tensor] = []
    for row in found.flatten(1):
        _, inverse, counts = row.unique(return_inverse=True, return_counts=True)
        last = counts.cumsum(0).double()
        rows.append((last - (counts.double() - 1) / 2)[inverse])
    return torch.stack(rows)


def mass_within(found: Tensor, inside: Tensor) -> Tensor:
    """Return the share of |map| that lies inside a mask [N]; NaN for a map of zeros."""
    sizes = found.flatten(1).abs()
    return (sizes * inside.flatten(1)).sum(1) / sizes.sum(1)


def masked_by_rank(x: Tensor, found: Tensor, share: float, fill: Tensor, *, keep_top: bool) -> Tensor:
    """Return inputs with all but the most (or least) important share of the pixels filled: what DiffROAR trains on.

    Shah, Jain & Netrapalli 2021, Do input gradients highlight discriminative features?

    Args:
        x: inputs.
        found: maps of the same shape; their sizes rank the pixels.
        share: of the pixels that stay.
        fill: what stands in the place of the others.
        keep_top: whether the most important stay.

    Returns:
        Inputs of the same shape.
    """
    sizes = found.flatten(1).abs()
    kept = max(1, round(share * sizes.shape[1]))
    order = sizes.argsort(1, descending=keep_top)[:, :kept]
    mask = torch.zeros_like(sizes, dtype=torch.bool).scatter_(1, order, True).view_as(x)
    return torch.where(mask, x, fill.expand_as(x))


def cascade(layers: Sequence[tuple[int, int]], params_P: Tensor, fresh_P: Tensor) -> list[Tensor]:
    """Return parameters with the last layer redrawn, then the last two, and so on down to all.

    Adebayo et al. 2018, Sanity checks for saliency maps.

    Args:
        layers: start and end of each layer in the flat vector, from the input to the output.
        params_P: trained parameters.
        fresh_P: drawn anew.

    Returns:
        As many vectors as layers.
    """
    found, now_P = [], params_P.clone()
    for start, end in reversed(layers):
        now_P = now_P.clone()
        now_P[start:end] = fresh_P[start:end]
        found.append(now_P)
    return found
