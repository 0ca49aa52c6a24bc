"""Methods by name, from a spec.

Shapes: N examples, F… an input's own shape.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from backend.core.saliency import cam, gradient, integrated, rules, smooth
from backend.core.saliency.cf_cam import cf_cam
from backend.core.saliency.explained import Estimates, Score
from backend.core.saliency.frequency import frequency_integrated_gradients
from backend.core.saliency.moreau import moreau_grad
from backend.core.saliency.norm_grad import norm_grad
from backend.core.saliency.occlusion import occlusion
from backend.schemas.analysis.saliency import Method, SaliencyAnalysis

PIECE = 131_072  # pixels of one pass, by measurement: more fall out of the cache, fewer waste calls
MOST = 64  # inputs of one example in a pass, so that pictures refine
ITERATIONS, RATE, AVERAGE = 300, 0.1, 100  # of MoreauGrad, as published
UNSIGNED: frozenset[Method] = frozenset(
    {"smoothgrad_squared", "vargrad", "grad_cam", "grad_cam_plus_plus", "layer_cam", "norm_grad", "cf_cam"}
)
COMPLETE: frozenset[Method] = frozenset({"integrated_gradients"})


class NotASignal(ValueError):
    """The method is for signals alone."""


@dataclass(frozen=True, eq=False)
class Setting:
    """What a method is given besides f_c and the inputs."""

    spec: SaliencyAnalysis
    baseline: Tensor  # [1, F…]
    reference: Tensor  # [M, F…], the training examples
    generator: Generator
    image: tuple[int, int, int] | None = None  # channels, height and width of inputs that are flattened pictures


def estimates(method: Method, score: Score, x: Tensor, setting: Setting) -> Estimates:
    """Make maps of inputs by a method.

    Args:
        method: its name.
        score: f_c.
        x: [N, F…].
        setting: the rest.

    Returns:
        Estimates, the last of which is final.
    """
    return MAKERS[method](score, x, setting)


def _chunk(x: Tensor) -> int:
    pixels = x.numel() // (x.shape[1] if x.dim() == 4 else 1)
    return max(1, min(MOST, PIECE // max(pixels, 1)))


def _noisy(make: Callable[..., Estimates]) -> Callable[[Score, Tensor, Setting], Estimates]:
    def of(score: Score, x: Tensor, s: Setting) -> Estimates:
        return make(score, x, s.spec.level, s.spec.samples, _chunk(x), s.generator)

    return of


def _pictured(make: Callable[[Score, Tensor, int], Estimates]) -> Callable[[Score, Tensor, Setting], Estimates]:
    return lambda score, x, s: make(score, x, s.spec.layer)


def _occlusion(score: Score, x: Tensor, s: Setting) -> Estimates:
    stride, chunk = max(1, s.spec.window // 2), _chunk(x)
    if s.image is None or x.dim() != 2:
        return occlusion(score, x, s.baseline, s.spec.window, stride, chunk)
    pictures, base = _shaped(s.image, x, s.baseline)
    made = occlusion(_of_rows(score), pictures, base, s.spec.window, stride, chunk)
    # What a square of all colours loses is shared by them, so that their sum is that of the square.
    return (replace(each, map=_rows(each.map[:, None].expand(-1, *s.image) / s.image[0])) for each in made)


def _moreau(score: Score, x: Tensor, s: Setting) -> Estimates:
    if x.dim() != 2 or s.spec.patch <= 1:
        return _moreau_of(score, x, s)
    (pictures,) = _shaped(s.image or (1, 1, x.shape[1]), x)  # neighbours are those of the picture, or of the row
    return (replace(each, map=_rows(each.map)) for each in _moreau_of(_of_rows(score), pictures, s))


def _moreau_of(score: Score, x: Tensor, s: Setting) -> Estimates:
    rate = min(RATE, RATE * s.spec.rho)  # δ/ρ is stiff where ρ is small
    return moreau_grad(
        score, x, s.spec.rho, s.spec.sparsity, s.spec.patch, s.spec.level, min(s.spec.samples, 32), ITERATIONS, rate,
        AVERAGE, _chunk(x), s.generator,
    )  # fmt: skip


def _shaped(image: tuple[int, int, int], *rows: Tensor) -> list[Tensor]:
    """Bring rows of features [N, F] to the pictures [N, K, H, W] that they are."""
    return [each.view(-1, *image) for each in rows]


def _rows(pictures: Tensor) -> Tensor:
    return pictures.flatten(1)


def _of_rows(score: Score) -> Score:
    """Return the same f_c of pictures, for a network that takes rows of features."""
    return lambda x: score(_rows(x))


def _frequency(score: Score, x: Tensor, s: Setting) -> Estimates:
    if x.dim() != 2 or s.image is not None:
        raise NotASignal(
            "Integrated gradients by frequency are for signals, rows of samples in time, and these are pictures; "
            "choose another method, or the waves with an mlp."
        )
    return frequency_integrated_gradients(score, x, s.spec.samples, _chunk(x))


MAKERS: dict[Method, Callable[[Score, Tensor, Setting], Estimates]] = {
    "gradient": lambda score, x, _: gradient.gradient(score, x),
    "gradient_x_input": lambda score, x, _: gradient.gradient_x_input(score, x),
    "smoothgrad": _noisy(smooth.smoothgrad),
    "smoothgrad_squared": _noisy(smooth.smoothgrad_squared),
    "vargrad": _noisy(smooth.vargrad),
    "integrated_gradients": lambda score, x, s: integrated.integrated_gradients(
        score, x, s.baseline, s.spec.samples, _chunk(x)
    ),
    "expected_gradients": lambda score, x, s: integrated.expected_gradients(
        score, x, s.reference, s.spec.samples, _chunk(x), s.generator
    ),
    "guided_backprop": lambda score, x, _: rules.guided_backprop(score, x),
    "deconvnet": lambda score, x, _: rules.deconvnet(score, x),
    "grad_cam": _pictured(cam.grad_cam),
    "grad_cam_plus_plus": _pictured(cam.grad_cam_plus_plus),
    "layer_cam": _pictured(cam.layer_cam),
    "norm_grad": lambda score, x, s: norm_grad(score, x, None if s.spec.combined else [s.spec.layer]),
    "moreau_grad": _moreau,
    "cf_cam": lambda score, x, s: cf_cam(score, x, s.spec.layer, s.spec.weighting),
    "occlusion": _occlusion,
    "frequency_integrated_gradients": _frequency,
}


def picture(found: Tensor, x: Tensor, *, signed: bool) -> Tensor:
    """Bring maps [N, F…] to pictures [N, height, width] or rows [N, features].

    Channels of a single colour are added up; of several, a signed map's sizes are.

    Args:
        found: the maps.
        x: the inputs.
        signed: whether the method's maps have signs.

    Returns:
        The pictures.
    """
    if found.dim() != x.dim() or x.dim() != 4:
        return found
    return found.abs().sum(1) if signed and x.shape[1] > 1 else found.sum(1)


def square(shape: torch.Size) -> tuple[int, int] | None:
    """Return the sides of a flattened picture of one example; None where its features are not a square."""
    side = round(float(shape.numel()) ** 0.5)
    return (side, side) if len(shape) == 1 and side * side == shape.numel() and side >= 4 else None
