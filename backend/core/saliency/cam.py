"""Class activation maps: a layer's pictures, weighed by how the logit hangs on them.

Shapes: N examples, K channels, h × w places; A the layer's pictures, g = ∂f_c/∂A.
"""

from torch import Tensor

from backend.core.saliency.explained import Estimate, Estimates, Score
from backend.core.saliency.features import enlarged, layer


def grad_cam(score: Score, x: Tensor, index: int) -> Estimates:
    """Yield ReLU(Σ_k mean_uv(g_k)·A_k), enlarged.

    Selvaraju et al. 2017, Grad-CAM: visual explanations from deep networks via gradient-based localization.
    """
    found = layer(score, x, index)
    weight_NK11 = found.slope_NKhw.mean((2, 3), keepdim=True)
    yield _picture((weight_NK11 * found.map_NKhw).sum(1).clamp(min=0), x)


def grad_cam_plus_plus(score: Score, x: Tensor, index: int) -> Estimates:
    """Yield ReLU(Σ_k w_k·A_k), w_k = Σ_uv α·ReLU(g), α = g²/(2g² + (Σ_ab A)·g³), 0 where g is 0; enlarged.

    Chattopadhay et al. 2018, Grad-CAM++: improved visual explanations for deep convolutional networks.
    """
    map_NKhw, g = layer(score, x, index)
    below = 2 * g**2 + map_NKhw.sum((2, 3), keepdim=True) * g**3
    alpha = (g**2 / below.where(below != 0, below.new_ones(()))).where((g != 0) & (below != 0), g.new_zeros(()))
    weight_NK11 = (alpha * g.clamp(min=0)).sum((2, 3), keepdim=True)
    yield _picture((weight_NK11 * map_NKhw).sum(1).clamp(min=0), x)


def layer_cam(score: Score, x: Tensor, index: int) -> Estimates:
    """Yield ReLU(Σ_k ReLU(g_k)·A_k), place by place, enlarged.

    Jiang et al. 2021, LayerCAM: exploring hierarchical class activation maps for localization.
    """
    found = layer(score, x, index)
    yield _picture((found.slope_NKhw.clamp(min=0) * found.map_NKhw).sum(1).clamp(min=0), x)


def _picture(map_Nhw: Tensor, x: Tensor) -> Estimate:
    return Estimate(enlarged(map_Nhw, x), 1, True)
