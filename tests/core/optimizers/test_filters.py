"""Filters: what each makes of a gradient, and that they fit any rule, a race and its checkpoints."""

import json
from typing import Any

import pytest
import torch
from torch import Tensor

from backend.core.analyses.base import Context
from backend.core.analyses.failures import Unsupported
from backend.core.optimizers.filters import Filters
from backend.schemas.optimizer import ClipFilter, GradientRegularizationFilter, GrokfastFilter
from backend.schemas.optimizer.filters import AnyFilter
from backend.schemas.run import Lane, TrainRequest
from tests.core.analyses.races import Kept, column, race, told

ALL: list[dict[str, Any]] = [
    {"kind": "clip", "limit": 0.5},
    {"kind": "grokfast", "alpha": 0.9},
    {"kind": "gradient_regularization", "strength": 0.05},
]


class _Source:
    """Gradients given one after the other, or of a quadratic ½·xᵀHx."""

    def __init__(self, *filters: AnyFilter, hessian: Tensor | None = None) -> None:
        self.x = torch.tensor([1.0, -2.0], dtype=torch.float64)
        self.hessian = torch.eye(2, dtype=torch.float64) if hessian is None else hessian
        self.filters = Filters(filters, self.x)
        self.calls = 0

    def __call__(self, grad_P: Tensor | None = None) -> Tensor:
        def loss_and_grad() -> tuple[Tensor, Tensor]:
            self.calls += 1
            own = self.hessian @ self.x if grad_P is None else grad_P
            return 0.5 * self.x @ self.hessian @ self.x, own

        return self.filters.begin(loss_and_grad)()[1]


def test_clipping_shortens_what_is_too_long_and_nothing_else() -> None:
    source = _Source(ClipFilter(limit=2.5))
    assert torch.allclose(source(torch.tensor([3.0, 4.0])), torch.tensor([1.5, 2.0]))
    assert torch.equal(source(torch.tensor([1.5, 2.0])), torch.tensor([1.5, 2.0]))
    assert source(torch.tensor([float("nan"), 1.0])).isnan().any()
    assert torch.equal(_Source(ClipFilter(limit=1.0, by="value"))(torch.tensor([0.5, -3.0])), torch.tensor([0.5, -1.0]))
    assert torch.equal(source.filters.own_gradient(torch.zeros(2))[1:], torch.tensor([1.0]))


def test_grokfast_by_hand() -> None:
    source = _Source(GrokfastFilter(alpha=0.5, weight=2.0))
    assert torch.allclose(source(torch.tensor([4.0])), torch.tensor([12.0]))  # h = 4
    assert torch.allclose(source(torch.tensor([0.0])), torch.tensor([4.0]))  # h = 2
    assert torch.allclose(source(torch.tensor([6.0])), torch.tensor([14.0]))  # h = 4
    window = _Source(GrokfastFilter(average="window", window=2, weight=5.0))
    assert [window(torch.tensor([g])).item() for g in (1.0, 3.0, 5.0)] == [1.0, 13.0, 25.0]


@pytest.mark.parametrize("difference", ["forward", "backward"])
def test_gradient_regularisation_adds_the_hessian_times_the_gradient(difference: Any) -> None:
    hessian = torch.tensor([[3.0, 1.0], [1.0, 5.0]], dtype=torch.float64)
    spec = GradientRegularizationFilter(strength=0.2, ascent=0.1, difference=difference)
    source = _Source(spec, hessian=hessian)
    before, grad = source.x.clone(), hessian @ source.x
    assert torch.allclose(source(), grad + 0.2 * hessian @ grad, rtol=1e-12)
    assert torch.equal(source.x, before)
    assert source.calls == 2
    assert torch.equal(source.filters.own_gradient(torch.zeros(2)), grad)


def test_filters_act_in_their_order() -> None:
    clipped_first = _Source(ClipFilter(limit=1.0), GrokfastFilter(weight=2.0))
    clipped_last = _Source(GrokfastFilter(weight=2.0), ClipFilter(limit=1.0))
    assert clipped_first(torch.tensor([10.0])).item() == pytest.approx(3.0)
    assert clipped_last(torch.tensor([10.0])).item() == pytest.approx(1.0)


def _lane(rule: str = "sgd", filters: Any = ALL, **settings: Any) -> dict[str, Any]:
    return {"name": "Lane", "optimizer": {"kind": rule, **settings}, "filters": filters}


@pytest.mark.parametrize("rule", ["sgd", "adam", "lion", "muon", "sam", "lbfgs", "xgrad", "natural_gradient"])
def test_filters_go_on_any_rule(rule: str) -> None:
    plain, filtered = (told(race(_lane(rule, filters), steps=8)) for filters in ([], ALL))
    assert (column(filtered, "Lane", "loss")[:1] == column(plain, "Lane", "loss")[:1]).all()
    assert (column(filtered, "Lane", "grad_norm")[:1] == column(plain, "Lane", "grad_norm")[:1]).all()  # the loss's own
    assert not (column(filtered, "Lane", "loss") == column(plain, "Lane", "loss")).all()
    assert (column(filtered, "Lane", "evaluations") > column(plain, "Lane", "evaluations")).all()


def test_a_filtered_lane_resumes_bit_for_bit() -> None:
    filters = [*ALL[:1], {"kind": "grokfast", "average": "window", "window": 4}, ALL[2]]
    keeper = Kept()
    whole = column(told(race(_lane("adam", filters), steps=20, batch_size=32), Context(seed=0, keeper=keeper)), "Lane")
    middle = next(state for state in keeper.checkpoints if state.step == 10)
    again = race(_lane("adam", filters), steps=20, batch_size=32, resume=True, origin={"run": "0" * 15})
    rest = column(told(again, Context(seed=0, resume=(middle,))), "Lane")
    assert (rest == whole[10:]).all()
    other = race(_lane("adam", ALL[:1]), steps=20, batch_size=32, resume=True, origin={"run": "0" * 15})
    with pytest.raises(Unsupported, match="was trained with the filters"):
        told(other, Context(seed=0, resume=(middle,)))


@pytest.mark.parametrize(
    ("lane", "sentence"),
    [
        (_lane("cbo"), "Consensus .* does not move by the batch's gradient, so there is nothing to filter"),
        (_lane("sgd", [ALL[0], ALL[0]]), "expected each filter once, got clip twice"),
        (_lane("sgd", [{"kind": "clip", "limit": 0.0}]), "greater than 0"),
        (_lane("adam", [], beta1=1.0), "less than 1"),
        (_lane("adam", [], eps=0.0), "greater than 0"),
        (_lane("sgd", [{"kind": "sift"}]), "sift"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(lane: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Lane.model_validate_json(json.dumps(lane))


def test_a_race_says_where_a_rule_does_not_apply() -> None:
    from backend.core.analyses.train import TRAIN
    from tests.core.analyses.races import BOWL, problem_of

    request: TrainRequest = race(_lane("muon", []), problem=BOWL)
    sentence = TRAIN.unsupported(problem_of(request), request)
    assert sentence == (
        "Lane 'Lane': Muon acts on matrices, the weights of a network's layers, and this problem has none "
        "(its parameters: x [2]); take adamw, or train a network."
    )
