"""Maps against captum, and against closed forms."""

import math
import threading

import captum.attr
import pytest
import torch
from core.saliency.nets import WAYS, InOtherWords, Pictures, drawn, last, scored
from torch import Tensor, nn

from backend.core.saliency import (
    cam,
    features,
    frequency,
    gradient,
    integrated,
    moreau,
    norm_grad,
    occlusion,
    rules,
    smooth,
)
from backend.core.saliency import cf_cam as clustered
from backend.core.saliency.explained import Score

X = drawn(3, 2, 8, 8, seed=1)
TARGET = torch.tensor([0, 3, 2])
ZERO = torch.zeros(1, 2, 8, 8, dtype=torch.float64)
WEIGHT = torch.tensor([1.0, -0.3, 0.02], dtype=torch.float64)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def linear(x: Tensor) -> Tensor:
    return x @ WEIGHT


# --- parity -----------------------------------------------------------------------------------------------------------


def test_parity_with_captum() -> None:
    net = Pictures()
    score, x = scored(net, TARGET), X.clone().requires_grad_()
    pairs = {
        "gradient": (gradient.gradient(score, X), captum.attr.Saliency(net).attribute(x, TARGET, abs=False)),
        "x input": (gradient.gradient_x_input(score, X), captum.attr.InputXGradient(net).attribute(x, TARGET)),
        "integrated": (
            integrated.integrated_gradients(score, X, ZERO, 50, 16),
            captum.attr.IntegratedGradients(net).attribute(x, ZERO, TARGET, n_steps=50, method="gausslegendre"),
        ),
        "occlusion": (
            occlusion.occlusion(score, X, ZERO, 2, 2, 5),
            captum.attr.Occlusion(net).attribute(x, (2, 2, 2), (2, 2, 2), ZERO, TARGET)[:, 0],
        ),
        "grad-cam": (
            cam.grad_cam(score, X, -1),
            captum.attr.LayerGradCam(net, net.relu2).attribute(x, TARGET, relu_attributions=True)[:, 0],
        ),
    }
    for name, (ours, theirs) in pairs.items():
        torch.testing.assert_close(last(ours), theirs.detach().double(), rtol=0, atol=1e-6, msg=name)


@pytest.mark.filterwarnings("ignore:Setting backward hooks:UserWarning")
@pytest.mark.parametrize("way", list(WAYS))
def test_rules_for_relu_hold_however_it_is_written(way: str) -> None:
    modules, other = Pictures(), InOtherWords()
    other.load_state_dict(modules.state_dict())
    other.way = WAYS[way]  # type: ignore[misc]
    score = scored(other, TARGET)
    x = X.clone().requires_grad_()
    guided = captum.attr.GuidedBackprop(modules).attribute(x, TARGET)
    deconv = captum.attr.Deconvolution(modules).attribute(x, TARGET)
    torch.testing.assert_close(last(rules.guided_backprop(score, X)), guided, rtol=0, atol=1e-12)
    torch.testing.assert_close(last(rules.deconvnet(score, X)), deconv, rtol=0, atol=1e-12)


def test_threads_never_disturb_each_other() -> None:
    net = Pictures()
    score = scored(net, TARGET)
    plain, guided = last(gradient.gradient(score, X)), last(rules.guided_backprop(score, X))
    wrong: list[str] = []

    def again(method: str, expected: Tensor) -> None:
        make = gradient.gradient if method == "plain" else rules.guided_backprop
        wrong.extend(method for _ in range(100) if not torch.equal(last(make(score, X)), expected))

    threads = [threading.Thread(target=again, args=pair) for pair in (("plain", plain), ("guided", guided))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_rules_without_a_relu_are_refused() -> None:
    with pytest.raises(rules.NoRelu, match="the network has none"):
        last(rules.guided_backprop(linear, drawn(2, 3)))


# --- closed forms -----------------------------------------------------------------------------------------------------


def test_every_method_gives_a_linear_model_its_weights() -> None:
    x, base = drawn(4, 3), torch.zeros(1, 3, dtype=torch.float64)
    expected = WEIGHT.expand(4, 3)
    maps = {
        "gradient": last(gradient.gradient(linear, x)),
        "smoothgrad": last(smooth.smoothgrad(linear, x, 0.15, 20, 7, seeded())),
        "integrated": last(integrated.integrated_gradients(linear, x, base, 10, 4)) / x,
        "moreau": last(moreau.moreau_grad(linear, x, 1.0, 0.0, 0, 0.1, 4, 700, 0.1, 100, 8, seeded())),
    }
    for name, found in maps.items():
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12, msg=name)
    assert float(last(smooth.vargrad(linear, x, 0.15, 20, 7, seeded())).abs().max()) <= 1e-12
    squared = last(smooth.smoothgrad_squared(linear, x, 0.15, 20, 7, seeded()))
    torch.testing.assert_close(squared, expected**2, rtol=0, atol=1e-12)


def bumpy(x: Tensor) -> Tensor:
    return (x**3 + torch.sin(2 * x)).sum(1)


def test_smoothgrad_comes_to_the_smoothed_slope_as_one_over_the_root_of_the_samples() -> None:
    x = torch.tensor([[0.3, -0.2, 0.8]], dtype=torch.float64)
    sigma = 0.15 * 1.0
    truth = 3 * (x**2 + sigma**2) + 2 * torch.cos(2 * x) * math.exp(-2 * sigma**2)
    sizes, errors = (50, 200, 800), []
    for size in sizes:
        draws = range(1000 * size, 1000 * size + 120)
        runs = torch.stack([last(smooth.smoothgrad(bumpy, x, 0.15, size, 400, seeded(s))) for s in draws])
        errors.append(float((runs - truth).pow(2).mean().sqrt()))
        spread = last(smooth.vargrad(bumpy, x, 0.15, size, 400, seeded(0))).sqrt()
        one = last(smooth.smoothgrad(bumpy, x, 0.15, size, 400, seeded(0)))
        assert bool(((one - truth).abs() <= 5 * spread / math.sqrt(size)).all())
    slope = math.log(errors[-1] / errors[0]) / math.log(sizes[-1] / sizes[0])
    assert slope == pytest.approx(-0.5, abs=0.05)


def test_samples_in_any_chunks_are_the_same_picture_refined() -> None:
    x = drawn(2, 3)
    rows = list(smooth.smoothgrad(bumpy, x, 0.15, 23, 5, seeded()))
    assert [row.samples for row in rows] == [5, 10, 15, 20, 23]  # the first piece is no larger than any other
    assert [row.final for row in rows] == [False] * 4 + [True]
    torch.testing.assert_close(
        rows[-1].map, last(smooth.smoothgrad(bumpy, x, 0.15, 23, 23, seeded())), rtol=0, atol=1e-12
    )
    # The variance is that of the same samples, in two passes.
    draw = seeded()
    noise = torch.stack([torch.randn(2, 3, generator=draw, dtype=torch.float64) for _ in range(23)])
    sigma = 0.15 * (x.max(1).values - x.min(1).values)[:, None]
    each = 3 * (x + sigma * noise) ** 2 + 2 * torch.cos(2 * (x + sigma * noise))
    torch.testing.assert_close(last(smooth.vargrad(bumpy, x, 0.15, 23, 5, seeded())), each.var(0, correction=0))


def test_integrated_gradients_are_complete() -> None:
    first, second = drawn(12, 8, seed=5), drawn(12, seed=6)

    def score(x: Tensor) -> Tensor:
        return torch.tanh(x @ first.T) @ second

    x, base = drawn(6, 8), drawn(1, 8, seed=9)
    found = last(integrated.integrated_gradients(score, x, base, 50, 8))
    gap = integrated.completeness_gap(score, x, base, found)
    whole = (score(x) - score(base.expand_as(x))).abs().clamp(min=0.1)
    assert bool((gap.abs() <= 1e-3 * whole).all())
    by_sum = (
        sum((x - base) * gradient_at(score, base + a * (x - base)) for a in (torch.arange(2000) + 0.5) / 2000) / 2000
    )
    torch.testing.assert_close(found, by_sum, rtol=0, atol=1e-4)


def gradient_at(score: Score, x: Tensor) -> Tensor:
    return last(gradient.gradient(score, x))


def test_expected_gradients_of_a_linear_model_are_the_way_from_the_mean() -> None:
    x, data = drawn(2, 3), drawn(40, 3, seed=2)
    found = last(integrated.expected_gradients(linear, x, data, 20_000, 5000, seeded()))
    torch.testing.assert_close(found, (x - data.mean(0)) * WEIGHT, rtol=0, atol=0.05)


def test_moreau_gradients_in_closed_form() -> None:
    x = drawn(2, 3)
    sparse = last(moreau.moreau_grad(linear, x, 1.0, 0.05, 0, 0.0, 1, 600, 0.1, 1, 8, seeded()))
    torch.testing.assert_close(sparse, torch.tensor([[0.95, -0.25, 0.0]] * 2, dtype=torch.float64), rtol=0, atol=1e-9)
    A = torch.diag(torch.tensor([2.0, 0.5, -0.5], dtype=torch.float64))
    rho = 0.8
    found = last(
        moreau.moreau_grad(lambda z: 0.5 * (z @ A * z).sum(1), x, rho, 0.0, 0, 0.0, 1, 3000, 0.1, 1, 8, seeded())
    )
    envelope = A @ torch.linalg.inv(torch.eye(3, dtype=torch.float64) + rho * A)
    torch.testing.assert_close(found, x @ envelope, rtol=0, atol=1e-6)


def test_a_patch_shrinks_as_one() -> None:
    pictures = drawn(1, 1, 5, 5)
    weights = drawn(1, 1, 5, 5, seed=4)
    patched = last(
        moreau.moreau_grad(
            lambda z: (z * weights).sum((1, 2, 3)), pictures, 1.0, 1.5, 3, 0.0, 1, 600, 0.1, 1, 8, seeded()
        )
    )
    for rows in (slice(0, 3), slice(3, 5)):
        for columns in (slice(0, 3), slice(3, 5)):
            own = weights[..., rows, columns]
            expected = own * (1 - 1.5 / own.norm()).clamp(min=0)
            torch.testing.assert_close(patched[..., rows, columns], expected, rtol=0, atol=1e-9)


def test_a_detector_of_one_frequency_has_all_its_mass_there() -> None:
    time = torch.arange(64, dtype=torch.float64) / 64
    wave = torch.stack([torch.cos(2 * math.pi * 5 * time), torch.sin(2 * math.pi * 5 * time)])

    def power(x: Tensor) -> Tensor:
        return ((x @ wave.T) ** 2).sum(1) / 64

    x = torch.sin(2 * math.pi * 5 * time)[None] + 0.5 * drawn(1, 64)
    found = last(frequency.frequency_integrated_gradients(power, x, 20, 8))
    assert float(found[0, [5, 59]].sum() / found.sum()) == pytest.approx(1.0, abs=1e-9)
    assert float(found.sum()) == pytest.approx(float(power(x) - power(0 * x)), rel=1e-9)
    folded = frequency.one_sided(found)
    assert folded.shape == (1, 33)
    assert float(folded[0, 5] / found.sum()) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_both_ends_of_a_wave_are_added_up(count: int) -> None:
    found = drawn(2, count)
    folded = frequency.one_sided(found)
    expected = [
        [sum(float(row[k]) for k in {each, (count - each) % count}) for each in range(count // 2 + 1)] for row in found
    ]
    torch.testing.assert_close(folded, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-15)


# --- pictures inside --------------------------------------------------------------------------------------------------


def by_hand(score: Score, net: Pictures) -> tuple[Tensor, Tensor]:
    inner = net.relu1(net.first(X)).detach()
    a = net.relu2(net.second(inner)).detach().requires_grad_()
    logits = net.dense(net.pool(a).flatten(1)).gather(1, TARGET[:, None]).sum()
    return a.detach(), torch.autograd.grad(logits, a)[0]


def test_maps_of_the_last_pictures_by_their_definitions() -> None:
    net = Pictures()
    score = scored(net, TARGET)
    a, g = by_hand(score, net)
    torch.testing.assert_close(last(cam.layer_cam(score, X, -1)), (g.clamp(min=0) * a).sum(1).clamp(min=0))
    alpha = torch.where(g == 0, 0, g**2 / (2 * g**2 + a.sum((2, 3), keepdim=True) * g**3))
    weight = (alpha * g.clamp(min=0)).sum((2, 3), keepdim=True)
    torch.testing.assert_close(last(cam.grad_cam_plus_plus(score, X, -1)), (weight * a).sum(1).clamp(min=0))
    outer = torch.einsum("nkhw,nlhw->nhwkl", g, a).flatten(3).norm(dim=3)
    torch.testing.assert_close(last(norm_grad.norm_grad(score, X, [1])), outer)
    combined = last(norm_grad.norm_grad(score, X, [0, 1]))
    assert combined.shape == (3, 8, 8)
    assert float(combined.max()) <= 1.0
    torch.testing.assert_close(last(norm_grad.norm_grad(score, X, None)), combined)


def test_a_network_without_pictures_and_a_layer_that_is_not_there() -> None:
    with pytest.raises(features.NoPictures, match="no layer of this network keeps places apart"):
        last(cam.grad_cam(lambda x: torch.tanh(x).sum(1), drawn(2, 3), -1))
    with pytest.raises(features.NoPictures, match="2 layers of pictures, 0 to 1, and layer 2"):
        last(cam.grad_cam(scored(Pictures(), TARGET), X, 2))


def test_the_published_cluster_map_is_blind_to_the_class_and_the_raw_one_is_not() -> None:
    net = Pictures()
    with torch.no_grad():
        net.dense.weight.mul_(0.02)  # slopes as small as a trained net's
    one, other = scored(net, TARGET), scored(net, (TARGET + 1) % 5)
    maps = {w: [last(clustered.cf_cam(s, X, -1, w)).flatten(1) for s in (one, other)] for w in ("softmax", "raw")}  # type: ignore[arg-type]
    assert float(torch.corrcoef(torch.stack([m[0] for m in maps["softmax"]]))[0, 1]) > 0.999
    assert float((maps["raw"][0] - maps["raw"][1]).norm() / maps["raw"][0].norm()) > 0.1


def test_occlusion_of_a_linear_model_counts_what_a_window_covers() -> None:
    x, base = drawn(2, 6), torch.zeros(1, 6, dtype=torch.float64)
    w = drawn(6, seed=3)
    found = last(occlusion.occlusion(lambda z: z @ w, x, base, 2, 2, 2))
    pairs = (x * w).view(2, 3, 2).sum(2).repeat_interleave(2, 1)
    torch.testing.assert_close(found, pairs)
    steps = list(occlusion.occlusion(lambda z: z @ w, x, base, 2, 1, 2))
    assert bool(torch.isnan(steps[0].map).any())
    assert not bool(torch.isnan(steps[-1].map).any())


def test_nothing_of_a_network_changes() -> None:
    net = Pictures()
    before = [p.clone() for p in net.parameters()]
    score = scored(net, TARGET)
    for estimates in (
        rules.guided_backprop(score, X),
        cam.grad_cam(score, X, -1),
        smooth.vargrad(score, X, 0.1, 3, 2, seeded()),
    ):
        last(estimates)
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    assert all(p.grad is None for p in net.parameters())
    assert all(not module._forward_hooks and not module._backward_hooks for module in nn.Module.modules(net))
