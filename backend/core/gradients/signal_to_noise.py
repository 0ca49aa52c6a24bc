"""How much of each parameter's gradient the examples agree on.

Shapes: N examples, p parameters.
"""

import torch
from torch import Tensor


def signal_to_noise(grad_Np: Tensor) -> Tensor:
    """Return the gradient signal-to-noise ratio of each parameter [p]: rⱼ = (meanᵢ gᵢⱼ)² / Varᵢ gᵢⱼ.

    The variance is the population's, (1/N) Σᵢ (gᵢⱼ − ḡⱼ)². Where all examples agree it is infinite; a parameter that no
    example moves has neither signal nor noise, and NaN.

    Liu et al. 2020, Understanding why neural networks generalize well through GSNR of parameters.

    Args:
        grad_Np: gradients, an example each.

    Returns:
        The ratios.
    """
    mean_p = grad_Np.mean(0)
    return mean_p**2 / (grad_Np - mean_p).pow(2).mean(0)


def one_step_ratio(ratio_p: Tensor, share_p: Tensor, count: int) -> Tensor:
    """Return the one-step generalisation ratio R = 1 − (1/N) Σⱼ Wⱼ / (rⱼ + 1/N), a number.

    To first order the share of a small gradient step's gain on the training loss that is also gained on unseen data:
    1 where every r is infinite, 0 where every r is 0. With ratios measured on the same N examples it is too high: for
    noise alone, where N·r is a χ² variable, it tends to 0.66 instead of 0.

    Liu et al. 2020, Understanding why neural networks generalize well through GSNR of parameters, theorem 1.

    Args:
        ratio_p: rⱼ, of :func:`signal_to_noise`; NaN where a parameter never moves.
        share_p: Wⱼ = ḡⱼ² / Σ ḡ², each parameter's share of the training gain.
        count: N.

    Returns:
        The ratio; NaN where the mean gradient is 0.
    """
    lost_p = torch.where(share_p == 0, torch.zeros_like(share_p), share_p / (ratio_p + 1 / count))
    return 1 - lost_p.sum() / count
