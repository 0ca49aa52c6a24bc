"""Questions to maps: known answers on networks whose answers are known, and what is left out."""

from typing import Any

import numpy as np
import pytest
import torch

from backend.core.analyses.base import Context, Moment, Point
from backend.core.analyses.failures import NotFinite, Unsupported
from backend.core.analyses.saliency_trust import SALIENCY_TRUST
from backend.core.problems.build import build_problem
from backend.core.problems.problem import Problem
from backend.core.saliency import trust
from backend.core.saliency.verdicts import verdict
from backend.schemas.analysis.saliency_trust import QUESTIONS, SaliencyTrustAnalysis
from backend.schemas.events import Progress, ResolvedPoint, Trust
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import BlockDigitsData, DigitsData, WavesData
from backend.schemas.problem.model import CnnModel, MlpModel
from tests.cases import CPU, build
from tests.core.analyses.races import of, race
from tests.core.analyses.races import told as raced

FEW: dict[str, Any] = {"examples": tuple(range(6)), "samples": 4, "steps": 4, "draws": 3}


def told(problem: Problem, params_P: torch.Tensor | None = None, **fields: Any) -> dict[tuple[str, str], Trust]:
    points = ()
    if params_P is not None:
        points = (Point(ResolvedPoint(step=9), Moment(9, params_P, problem.params0(0)[1])),)
    spec = SaliencyTrustAnalysis(**{**FEW, **fields})
    assert SALIENCY_TRUST.unsupported(problem, spec) is None
    events = list(SALIENCY_TRUST.run(problem, spec, Context(seed=0, points=points)))
    return {(event.question, event.method): event for event in events if isinstance(event, Trust)}


def blocks(**fields: Any) -> Problem:
    return build_problem(DataProblem(data=BlockDigitsData(**fields), model=MlpModel(hidden=())), torch.float64, CPU)


def test_a_linear_net_that_looks_at_the_digit_alone_passes_where_it_should() -> None:
    problem = blocks(place="above")
    weight_CF = torch.zeros(2, 128, dtype=torch.float64)
    drawn = torch.randn(64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weight_CF[0, :64], weight_CF[1, :64] = drawn, -drawn
    params_P = torch.cat([weight_CF.flatten(), torch.zeros(2, dtype=torch.float64)])
    methods = ("gradient", "smoothgrad", "gradient_x_input", "integrated_gradients")
    found = told(problem, params_P, methods=methods, questions=QUESTIONS[:-1])
    for method in methods:
        assert found["signal", method].value == pytest.approx(1.0)
        assert found["signal", method].verdict == "yes"
    assert found["signal", "random"].value == pytest.approx(0.5, abs=0.05)
    for method in ("gradient_x_input", "integrated_gradients"):
        assert found["completeness", method].value == pytest.approx(0.0, abs=1e-12)
    assert found["infidelity", "gradient"].value == pytest.approx(0.0, abs=1e-20)
    assert found["sensitivity", "gradient"].value == 0.0
    assert ("class", "gradient") not in found  # two classes mirror one another
    assert found["weights", "gradient"].y is not None
    assert found["weights", "gradient"].y[0] == pytest.approx(1.0)
    assert abs(found["weights", "gradient"].value) < 0.6


def test_random_maps_ignore_weights_and_class() -> None:
    found = told(build("digits-tanh"), methods=("gradient",), questions=("weights", "class"))
    for question in ("weights", "class"):
        random = found[question, "random"]
        assert random.value == pytest.approx(1.0)
        assert (random.random, random.verdict) == (True, None)
        assert found[question, "gradient"].baseline == pytest.approx(1.0)
    curve = found["weights", "gradient"]
    assert curve.labels == ("none", "4", "2", "0")
    assert list(curve.x) == [0, 1, 2, 3]  # type: ignore[arg-type]


def test_curves_run_between_the_input_and_nothing() -> None:
    problem = build("cnn")
    found = told(problem, methods=("grad_cam", "gradient"), questions=("deletion", "insertion"))
    for method in ("grad_cam", "gradient", "random"):
        removed, shown = found["deletion", method].y, found["insertion", method].y
        assert removed is not None
        assert shown is not None
        assert (removed[0], removed[-1]) == pytest.approx((shown[-1], shown[0]))
        assert found["deletion", method].value == pytest.approx(float(np.trapezoid(removed, dx=0.25)))


def test_what_a_network_cannot_be_asked_is_left_out_and_says_why() -> None:
    found = told(build("digits-tanh"), methods=("gradient", "grad_cam", "guided_backprop"), questions=("class",))
    assert "no layer of this network" in str(found["refused", "grad_cam"].note)
    assert "the network has none" in str(found["refused", "guided_backprop"].note)
    assert ("class", "grad_cam") not in found
    with pytest.raises(Unsupported, match="None of these methods"):
        told(build("digits-tanh"), methods=("grad_cam",))
    assert "a regression" in str(SALIENCY_TRUST.unsupported(build("sine-linear"), SaliencyTrustAnalysis()))
    assert "a function" in str(SALIENCY_TRUST.unsupported(build("rosenbrock"), SaliencyTrustAnalysis()))
    short = build_problem(DataProblem(data=DigitsData(examples=1790)), torch.float32, CPU)
    assert "The split has 7 examples" in str(SALIENCY_TRUST.unsupported(short, SaliencyTrustAnalysis()))
    problem = build("digits-tanh")
    with pytest.raises(NotFinite, match="at step 9"):
        told(problem, problem.params0(0)[0] * torch.nan)


def test_retraining_tells_useful_pixels_from_others() -> None:
    problem = blocks(place="above")
    pixels = problem.train.x.std(0)  # type: ignore[union-attr]
    weight_CF = torch.stack([pixels, -pixels])
    params_P = torch.cat([weight_CF.flatten(), torch.zeros(2, dtype=torch.float64)])
    found = told(problem, params_P, methods=("gradient",), questions=("retraining",), shares=(0.1,),
                 retraining_steps=60)  # fmt: skip
    assert found["retraining", "gradient"].value > 0.2
    assert found["retraining", "gradient"].verdict == "yes"


def test_maps_are_made_with_the_settings_that_were_asked_for() -> None:
    problem = blocks()
    usual = {"methods": ("occlusion",), "questions": ("deletion",)}

    def answer(**fields: Any) -> float:
        return told(problem, **usual, **fields)["deletion", "occlusion"].value

    assert answer(window=2, baseline="zero") == answer()
    assert len({answer(), answer(window=8), answer(baseline="mean")}) == 3


def test_the_same_seed_gives_the_same_answers() -> None:
    problem = build_problem(
        DataProblem(data=DigitsData(examples=60), model=CnnModel(channels=(3,))), torch.float32, CPU
    )
    one, other = (told(problem, methods=("smoothgrad",), questions=QUESTIONS[:-1]) for _ in range(2))
    assert {key: event.value for key, event in one.items()} == {key: event.value for key, event in other.items()}


def test_another_class_is_another_question_and_one_that_is_not_there_is_refused() -> None:
    problem = build("digits-tanh")
    own, other = (
        told(problem, methods=("gradient",), questions=("deletion", "infidelity"), target=target)
        for target in (None, 3)
    )
    removed = other["deletion", "gradient"].y
    assert removed is not None
    data = problem.test or problem.train
    assert data is not None
    with torch.no_grad():
        logits = problem.outputs(*problem.params0(0), data.x[:6])
    assert removed[0] == pytest.approx(float(logits.softmax(1)[:, 3].mean()))
    assert own["deletion", "gradient"].value != other["deletion", "gradient"].value
    with pytest.raises(Unsupported, match="outputs 0 to 9, and the target is 10"):
        told(problem, methods=("gradient",), target=10)


def test_it_says_how_far_it_is() -> None:
    spec = SaliencyTrustAnalysis(**FEW, methods=("gradient",), questions=("class", "completeness", "deletion"))
    events = list(SALIENCY_TRUST.run(build("digits-tanh"), spec, Context(seed=0)))
    told_of = [(event.done, event.total) for event in events if isinstance(event, Progress)]
    assert told_of == sorted(told_of)
    assert told_of[-1] == (6, 6)


def test_a_race_asks_along_its_way() -> None:
    analysis = {"kind": "saliency_trust", "methods": ["gradient"], "questions": ["class"], "examples": [0, 1, 2]}
    request = race(steps=4, probes=[{"every": 2, "late": "wait", "analysis": analysis}])
    found = of(Trust, raced(request), method="gradient")
    assert [(event.lane, event.step) for event in found] == [("SGD", 0), ("SGD", 2), ("SGD", 4)]
    assert len({event.value for event in found}) == 3


def test_frequencies_are_no_places_to_remove() -> None:
    problem = build_problem(DataProblem(data=WavesData(examples=60), model=MlpModel(hidden=(4,))), torch.float64, CPU)
    found = told(problem, methods=("gradient", "frequency_integrated_gradients"), questions=("weights", "deletion"))
    assert ("weights", "frequency_integrated_gradients") in found
    assert ("deletion", "gradient") in found
    assert ("deletion", "frequency_integrated_gradients") not in found


def test_layers_are_tensors_of_one_module() -> None:
    names = [name for name, _, _ in trust.layer_spans(build("cnn-group").layout)]
    assert len(names) == len(set(names)) < len(build("cnn-group").layout.entries)
    spans = trust.layer_spans(build("digits-tanh").layout)
    assert [end for _, _, end in spans[:-1]] == [start for _, start, _ in spans[1:]]
    assert spans[-1][2] == build("digits-tanh").layout.size


def test_verdicts_of_paired_differences() -> None:
    chance = torch.tensor([0.5, 0.6, 0.4, 0.5])
    assert verdict("deletion", chance - 0.2, chance) == "yes"
    assert verdict("deletion", chance + 0.2, chance) == "no"
    assert verdict("insertion", chance + 0.2, chance) == "yes"
    assert verdict("insertion", chance + torch.tensor([0.3, -0.3, 0.3, -0.3]), chance) == "partly"
    assert verdict("class", torch.full((2,), torch.nan), None) is None
    assert verdict("sensitivity", torch.tensor([0.5]), None) == "partly"
