"""Saliency as an analysis: what it tells, in which order, and what it refuses."""

from typing import Any

import numpy as np
import pytest
import torch

from backend.core.analyses.base import Context, Moment, Point
from backend.core.analyses.failures import NotFinite, Unsupported
from backend.core.analyses.saliency import SALIENCY
from backend.schemas.analysis.saliency import METHODS, SaliencyAnalysis
from backend.schemas.events import ResolvedPoint, SaliencyExample, SaliencyMap, Started
from tests.cases import build


def told(name: str, ctx: Context | None = None, **spec: Any) -> list[Any]:
    problem, asked = build(name), SaliencyAnalysis(**spec)
    assert SALIENCY.unsupported(problem, asked) is None
    events = list(SALIENCY.run(problem, asked, ctx or Context(seed=0)))
    return [event for event in events if isinstance(event, Started | SaliencyExample | SaliencyMap)]


def maps(events: list[Any], *, final: bool = True) -> dict[tuple[str, int], SaliencyMap]:
    return {(e.method, e.example): e for e in events if isinstance(e, SaliencyMap) and (e.final or not final)}


@pytest.mark.parametrize("method", [m for m in METHODS if m != "frequency_integrated_gradients"])
def test_every_method_works_on_a_small_convolutional_net(method: str) -> None:
    found = told("resnet-group", method=method, examples=(1, 0), samples=6, split="train")
    assert isinstance(found[0], Started)
    examples = [event for event in found if isinstance(event, SaliencyExample)]
    assert [event.example for event in examples] == [1, 0]
    last = maps(found)
    assert set(last) == {(method, 0), (method, 1)}
    for (_, example), event in last.items():
        assert event.map.shape == (8, 8)
        assert event.target == next(e.label for e in examples if e.example == example)
        assert np.isfinite(event.map).all()
        assert event.signed or event.map.min() >= 0


def test_settings_reach_their_methods() -> None:
    """Weights of CF-CAM are told with its map; NormGrad takes one layer of pictures, or all of them multiplied."""
    found = told("resnet-group", method="cf_cam", compare=("norm_grad",), examples=(1,), split="train")
    assert {event.weighting for event in found if isinstance(event, SaliencyMap)} == {None, "raw"}
    blind = told("resnet-group", method="cf_cam", examples=(1,), split="train", weighting="softmax")[-1]
    assert blind.weighting == "softmax"
    whole = told("resnet-group", method="norm_grad", examples=(1,), split="train", combined=True)[-1]
    assert not np.allclose(whole.map, maps(found)["norm_grad", 1].map)
    assert 0 < whole.map.max() <= 1.0


def test_pictures_refine_and_methods_share_examples() -> None:
    found = told(
        "digits-tanh", method="smoothgrad", compare=("gradient", "integrated_gradients"), examples=(3,), samples=20
    )
    smooth = [event for event in found if isinstance(event, SaliencyMap) and event.method == "smoothgrad"]
    assert [event.samples for event in smooth] == [8, 16, 20]
    assert [event.final for event in smooth] == [False, False, True]
    last = maps(found)
    assert set(last) == {(m, 3) for m in ("smoothgrad", "gradient", "integrated_gradients")}
    assert last["gradient", 3].map.shape == (8, 8)
    gap = last["integrated_gradients", 3].completeness_gap
    assert gap is not None
    assert abs(gap) < 1e-4
    example = next(event for event in found if isinstance(event, SaliencyExample))
    assert example.input.shape == (8, 8)
    assert example.split == "test"


@pytest.mark.parametrize("method", ["gradient", "guided_backprop", "grad_cam"])
def test_batchnorm_is_frozen_so_that_no_example_hangs_on_those_beside_it(method: str) -> None:
    alone, together = (
        maps(told("cnn-batch", method=method, examples=examples, split="train"))[method, 0].map
        for examples in ((0,), (0, 1, 2))
    )
    assert np.abs(alone).max() > 0
    np.testing.assert_allclose(together, alone, rtol=1e-6, atol=1e-9)


def test_a_class_that_was_asked_for_is_not_an_examples_own_even_where_it_is() -> None:
    for target, own in ((None, True), (3, False)):
        found = told("digits-tanh", examples=tuple(range(30)), target=target)
        examples = [event for event in found if isinstance(event, SaliencyExample)]
        assert any(event.label == 3 for event in examples)
        assert {event.own for event in examples} == {own}


def test_the_same_seed_gives_the_same_map() -> None:
    one, other = (maps(told("digits-tanh", method="smoothgrad", samples=9)) for _ in range(2))
    assert all(np.array_equal(one[key].map, other[key].map) for key in one)


def test_a_linear_model_is_explained_by_its_weights() -> None:
    problem = build("wine-linear")
    params_P, _ = problem.params0(0)
    weight_CF = problem.layout.unflatten(params_P)["0.weight"]
    found = maps(told("wine-linear", method="gradient", target=2, examples=(0,)))
    np.testing.assert_allclose(found["gradient", 0].map, weight_CF[2].numpy(), rtol=0, atol=1e-12)


def test_what_cannot_be_explained_says_why() -> None:
    function, digits = build("rosenbrock"), build("digits-tanh")
    assert "a function of its parameters" in str(SALIENCY.unsupported(function, SaliencyAnalysis()))
    many = SALIENCY.unsupported(digits, SaliencyAnalysis(examples=(100_000,)))
    assert "and example 100000 was asked for" in str(many)
    for spec, words in (
        ({"target": 10}, "outputs 0 to 9, and the target is 10"),
        ({"method": "grad_cam"}, "no layer of this network keeps places apart"),
        ({"method": "guided_backprop"}, "the network has none"),
    ):
        seen = []
        with pytest.raises(Unsupported, match=words):
            seen.extend(SALIENCY.run(digits, SaliencyAnalysis(**spec), Context(seed=0)))
        assert not [event for event in seen if isinstance(event, SaliencyExample)]  # nothing is shown without its maps
    params_P, buffers_B = digits.params0(0)
    diverged = Point(ResolvedPoint(step=7), Moment(7, params_P * torch.nan, buffers_B))
    with pytest.raises(NotFinite, match="at step 7"):
        list(SALIENCY.run(digits, SaliencyAnalysis(), Context(seed=0, points=(diverged,))))
