"""What is lost when a part of the input is covered.

Shapes: N examples, K channels, H × W pixels, F features.
"""

from itertools import product

import torch
from torch import Tensor

from backend.core.saliency.explained import Estimate, Estimates, Score


def occlusion(score: Score, x: Tensor, baseline: Tensor, window: int, stride: int, chunk: int) -> Estimates:
    """Yield f_c(x) − f_c(x with a window replaced), averaged over the windows that cover a pixel (or feature).

    A window is ``window`` × ``window`` pixels of all channels, or as many neighbouring features; the last one of a row
    ends where the row ends.

    Zeiler & Fergus 2014, Visualizing and understanding convolutional networks, section 4.2.

    Args:
        score: f_c.
        x: [N, K, H, W] or [N, F].
        baseline: what is put there, of the inputs' shape or one for all.
        window: its length.
        stride: from one window to the next.
        chunk: windows at once.

    Yields:
        The map so far after each chunk; NaN where no window has been yet.
    """
    covers = [_cover(place, x, window) for place in product(*(_starts(size, window, stride) for size in _sides(x)))]
    total, times = torch.zeros_like(x[:, :1]) if x.dim() == 4 else torch.zeros_like(x), torch.zeros_like(x[:1])
    times = times[:, :1] if x.dim() == 4 else times
    with torch.no_grad():
        whole_N = score(x)
    for start in range(0, len(covers), chunk):
        masks = torch.stack(covers[start : start + chunk])  # [k, 1, …]
        inputs = torch.where(masks[:, None], baseline.expand_as(x), x)
        with torch.no_grad():  # never around a yield: whoever asks for the next map would be without gradients
            lost = whole_N - score(inputs.flatten(0, 1)).view(len(masks), len(x))
        shape = (len(masks), len(x), *[1] * (x.dim() - 1))
        total = total + (lost.view(shape) * masks[:, None]).sum(0)
        times = times + masks.sum(0)
        done = min(start + chunk, len(covers))
        found = total / times.where(times > 0, torch.full_like(times, torch.nan))
        yield Estimate(found[:, 0] if x.dim() == 4 else found, done, done == len(covers))


def _sides(x: Tensor) -> tuple[int, ...]:
    return tuple(x.shape[2:]) if x.dim() == 4 else tuple(x.shape[1:])


def _starts(size: int, window: int, stride: int) -> list[int]:
    last = max(size - window, 0)
    return sorted({*range(0, last + 1, stride), last})


def _cover(place: tuple[int, ...], x: Tensor, window: int) -> Tensor:
    mask = torch.zeros(_sides(x), dtype=torch.bool, device=x.device)
    mask[tuple(slice(start, start + window) for start in place)] = True
    return mask[None] if x.dim() == 4 else mask
