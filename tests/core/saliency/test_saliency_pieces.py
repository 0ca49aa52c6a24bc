"""No piece of a method's work is long: a run can be stopped between any two."""

import pytest
import torch
from core.saliency.nets import Pictures, drawn, scored
from torch import Tensor

from backend.core.saliency import metrics, moreau
from backend.core.saliency.explained import Estimate, Score
from backend.core.saliency.methods import PIECE, Setting, estimates
from backend.schemas.analysis.saliency import METHODS, Method, SaliencyAnalysis

SIXTEEN = torch.randn(16, 2, 32, 32, generator=torch.Generator().manual_seed(0))


def weighed(x: Tensor) -> Tensor:
    """Some score of pictures of any size, with ReLUs and places."""
    return torch.relu(x).mean((2, 3)).sum(1)


@pytest.mark.parametrize("method", [m for m in METHODS if m != "frequency_integrated_gradients"])
def test_a_piece_is_no_more_than_one_pass_of_pixels(method: Method) -> None:
    seen, pieces = [0], []

    def score(x: Tensor) -> Tensor:
        seen[0] += len(x) * 32 * 32
        return weighed(x)

    setting = Setting(SaliencyAnalysis(samples=40), SIXTEEN[:1] * 0, SIXTEEN, torch.Generator().manual_seed(0))
    for _, _ in zip(estimates(method, score, SIXTEEN, setting), range(6), strict=False):
        pieces.append(seen[0])
        seen[0] = 0
    assert max(pieces) <= PIECE + 16 * 32 * 32  # occlusion also asks for the whole pictures once
    assert min(pieces) > 0


@pytest.mark.parametrize("method", METHODS)
def test_whoever_asks_for_the_next_map_keeps_gradients(method: Method) -> None:
    """A race goes on between two maps: it must find gradients switched on."""
    x = SIXTEEN[:2].flatten(1)[:, :64] if method == "frequency_integrated_gradients" else SIXTEEN[:2]

    def score(z: Tensor) -> Tensor:
        return torch.relu(z).sum(1) if z.dim() == 2 else weighed(z)

    setting = Setting(SaliencyAnalysis(samples=4, window=16), x[:1] * 0, x, torch.Generator().manual_seed(0))
    for _ in zip(estimates(method, score, x, setting), range(3), strict=False):
        assert torch.is_grad_enabled()


def test_a_curve_of_removed_pixels_leaves_gradients_on() -> None:
    x = SIXTEEN[:2]
    for _ in metrics.curve(weighed, x, x[:1] * 0, x, 2, insert=True):
        assert torch.is_grad_enabled()


def linear(weights: Tensor) -> Score:
    return lambda rows: rows @ weights


@pytest.mark.parametrize("colours", [1, 3])
def test_squares_of_flattened_pictures_are_those_of_the_pictures(colours: int) -> None:
    """A dense network's inputs are rows, but what is covered, or shrinks as one, is a square of the picture."""
    image, pictures = (colours, 6, 6), drawn(2, colours, 6, 6, seed=2)
    score = linear(drawn(colours * 36, seed=5))
    for asked in (SaliencyAnalysis(window=3), SaliencyAnalysis(sparsity=2.0, patch=3, level=1e-6)):
        method: Method = "moreau_grad" if asked.sparsity else "occlusion"
        settings = [
            Setting(asked, x[:1] * 0, x, torch.Generator().manual_seed(0), image)
            for x in (pictures, pictures.flatten(1))
        ]
        *_, whole = estimates(method, lambda x: score(x.flatten(1)), pictures, settings[0])
        *_, rows = estimates(method, score, pictures.flatten(1), settings[1])
        assert rows.map.shape == (2, colours * 36)
        found = rows.map.view(2, *image)
        found = found.sum(1) if method == "occlusion" else found
        torch.testing.assert_close(found, whole.map, rtol=0, atol=1e-9)
        assert rows.final


def test_patches_of_features_are_neighbours_in_their_row() -> None:
    weights, x = drawn(5, seed=6), drawn(2, 5)
    asked = SaliencyAnalysis(sparsity=0.8, patch=2, level=1e-6)
    setting = Setting(asked, x[:1] * 0, x, torch.Generator().manual_seed(0))
    *_, found = estimates("moreau_grad", linear(weights), x, setting)
    for start in (0, 2, 4):
        own = weights[start : start + 2]
        expected = own * (1 - 0.8 / own.norm()).clamp(min=0)
        torch.testing.assert_close(found.map[:, start : start + 2], expected.expand(2, -1), rtol=0, atol=1e-6)


def test_moreau_gradients_are_the_same_in_any_pieces() -> None:
    score, x = scored(Pictures(), torch.tensor([0, 3, 2])), drawn(3, 2, 8, 8, seed=1)

    def run(chunk: int) -> list[Estimate]:
        draw = torch.Generator().manual_seed(3)
        return list(moreau.moreau_grad(score, x, 0.5, 0.01, 3, 0.1, 7, 12, 0.05, 4, chunk, draw))

    whole, parts = run(100), run(3)
    torch.testing.assert_close(whole[-1].map, parts[-1].map, rtol=0, atol=1e-12)
    assert [each.samples for each in whole] == [7 * step for step in range(1, 13)]
    assert [each.samples for each in parts[:4]] == [3, 6, 7, 10]
    assert [each.final for each in parts] == [False] * 35 + [True]
    assert float(parts[0].map.abs().max()) > 0  # the first picture already tells something
