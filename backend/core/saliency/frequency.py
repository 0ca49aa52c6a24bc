"""Integrated gradients in the frequency domain, for signals.

Shapes: N examples, T samples of a signal.
"""

import numpy as np
import torch
from torch import Tensor

from backend.core.saliency.explained import Estimate, Estimates, Score


def frequency_integrated_gradients(score: Score, x_NT: Tensor, samples: int, chunk: int) -> Estimates:
    """Yield Re[(X_k − X'_k) · mean_a conj(∂f_c(F⁻¹X(a))/∂X_k)] for each frequency k of the Fourier transform X = F x.

    The baseline is the zero signal, X(a) = a·X, by Gauss–Legendre quadrature over a. The slope is torch's of a complex
    number, ∂f/∂Re + i·∂f/∂Im. The map's sum is f_c(x) − f_c(0), as frequencies k and T − k are told apart.

    After the idea of integrated gradients in other domains (cross-domain saliency maps, 2025).

    Args:
        score: f_c.
        x_NT: the signals.
        samples: points of the quadrature.
        chunk: points at once.

    Yields:
        The map [N, T] over frequencies so far, then the whole.
    """
    nodes, weights = np.polynomial.legendre.leggauss(samples)
    places, shares = (nodes + 1) / 2, weights / 2
    whole_NT = torch.fft.fft(x_NT)
    total_NT = torch.zeros_like(whole_NT)
    for start in range(0, samples, chunk):
        at = torch.as_tensor(places[start : start + chunk], dtype=x_NT.dtype, device=x_NT.device)
        share = torch.as_tensor(shares[start : start + chunk], dtype=x_NT.dtype, device=x_NT.device)
        spectra = (at[:, None, None] * whole_NT).detach().requires_grad_()
        with torch.enable_grad():
            signals = torch.fft.ifft(spectra).real
            (found,) = torch.autograd.grad(score(signals.flatten(0, 1)).sum(), spectra)
        total_NT = total_NT + (share[:, None, None] * found).sum(0)
        done = start + len(at)
        yield Estimate((whole_NT * total_NT.conj()).real / float(shares[:done].sum()), done, done == samples)


def one_sided(map_NT: Tensor) -> Tensor:
    """Add up what k and T − k say, the two ends of one wave of a real signal: [N, T] becomes [N, T // 2 + 1].

    Args:
        map_NT: over the frequencies 0, 1, … T − 1.

    Returns:
        The map over 0, 1, … T // 2 periods in the signal; its sum is the same.
    """
    count = map_NT.shape[1]
    folded = map_NT[:, : count // 2 + 1].clone()
    ends = map_NT[:, count // 2 + 1 :].flip(1)
    folded[:, 1 : 1 + ends.shape[1]] += ends
    return folded
