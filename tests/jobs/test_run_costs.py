"""What a run will take: grows with what makes it, is told before it starts, and is refused where it is an accident."""

import datetime
import json
from typing import Any

import pytest

from backend.jobs.costs.estimate import estimate
from backend.jobs.costs.estimator import FEWEST, Estimator
from backend.jobs.costs.limits import Limits
from backend.jobs.costs.looks import COSTS
from backend.jobs.errors import InvalidRequest
from backend.jobs.sqlite_store import SqliteStore
from backend.schemas.analysis import ANALYSIS_KINDS
from backend.schemas.estimate import Estimate, duration
from backend.schemas.ids import new_run_id
from backend.schemas.optimizer import OPTIMIZER_KINDS
from backend.schemas.problem import CustomProblem, DataProblem
from backend.schemas.run import REQUEST, AnyRequest, Run

DIGITS = {"data": {"kind": "digits", "examples": 500}, "model": {"kind": "mlp", "hidden": [32, 32]}}
RACE = {"kind": "train", "problem": DIGITS, "steps": 100, "batch_size": 64}
ACCIDENT: dict[str, Any] = {
    "kind": "train", "steps": 10_000_000, "repeats": 32,
    "problem": {"data": {"kind": "mnist", "examples": 60_000}, "model": {"kind": "mlp", "hidden": [4096] * 16}},
}  # fmt: skip


def asked(**changes: Any) -> AnyRequest:
    fields = {**RACE, **changes}
    return REQUEST.validate_json(json.dumps({name: value for name, value in fields.items() if value is not ...}))


def said(request: AnyRequest) -> Estimate:
    assert request.problem is not None
    return estimate(request, request.problem)


def lanes(*kinds: str, **settings: Any) -> list[dict[str, Any]]:
    return [{"name": f"{i}", "optimizer": {"kind": kind, **settings}} for i, kind in enumerate(kinds)]


@pytest.mark.parametrize("kind", [spec.model_fields["kind"].default for spec in ANALYSIS_KINDS])
def test_every_analysis_has_a_cost(kind: str) -> None:
    problem: Any = DIGITS
    if kind in ("basin", "sweep"):
        problem = {"function": {"kind": "himmelblau"}}
    found = said(asked(problem=problem, kind="analyse", analysis={"kind": kind}, steps=..., batch_size=...))
    assert found.working > 0
    assert found.memory_mb > 300
    assert set(COSTS) == {spec.model_fields["kind"].default for spec in ANALYSIS_KINDS}


@pytest.mark.parametrize("kind", [spec.model_fields["kind"].default for spec in OPTIMIZER_KINDS])
def test_a_dearer_rule_is_told_to_take_longer(kind: str) -> None:
    spec = next(each for each in OPTIMIZER_KINDS if each.model_fields["kind"].default == kind)
    one, plain = (said(asked(lanes=lanes(each))).parts[0] for each in (kind, "sgd"))
    assert plain.gradients == 100
    assert one.gradients >= 100
    assert one.gradients > 100 or spec.gradients == 1
    assert one.seconds >= plain.seconds


def test_it_grows_with_what_makes_it() -> None:
    least = said(asked())
    for more in (
        {"steps": 200}, {"repeats": 2}, {"lanes": lanes("sgd", "adam")}, {"batch_size": 500}, {"dtype": "float64"},
        {"eval_every": 1}, {"probes": [{"every": 10, "analysis": {"kind": "surface"}}]},
        {"problem": {**DIGITS, "model": {"kind": "mlp", "hidden": [256, 256]}}},
        {"lanes": [{"optimizer": {"kind": "sgd"}, "filters": [{"kind": "gradient_regularization"}]}]},
    ):  # fmt: skip
        assert said(asked(**more)).working > least.working, more
    assert said(asked(steps=200)).parts[0].seconds == pytest.approx(2 * least.parts[0].seconds)
    for more in ({"repeats": 8}, {"lanes": lanes("lbfgs", history=1000)}, {"lanes": lanes("newton")}):  # fmt: skip
        assert said(asked(**more)).memory_mb > least.memory_mb, more
    kept = [said(asked(snapshots={"budget_mb": budget})) for budget in (0.5, 64, 100_000)]
    assert kept[0].memory_mb < kept[1].memory_mb == kept[2].memory_mb  # all moments there are
    assert kept[0].disk_mb < kept[1].disk_mb == kept[2].disk_mb


def test_a_pace_takes_time_without_work() -> None:
    free, paced = said(asked()), said(asked(pace=1.0))
    assert paced.seconds == 100.0
    assert paced.working == free.working < 100


def test_late_probes_take_no_longer_than_the_training_beside_them() -> None:
    probe = {"every": 1, "analysis": {"kind": "surface", "resolution": 129}}
    late, waiting = (said(asked(probes=[{**probe, "late": how}])) for how in ("skip", "wait"))
    assert late.parts[2].seconds < late.parts[0].seconds + waiting.parts[2].seconds / 100
    assert waiting.parts[2].seconds > 50 * late.parts[2].seconds


@pytest.mark.parametrize(
    ("limits", "path", "sentence"),
    [
        (Limits(hours=72), "steps", r"about [\d,]+ days on one worker, and at most 3 days are allowed; .*% of"),
        (Limits(memory_gib=16), "problem", r"about [\d,.]+ GiB of memory, and at most 16.0 GiB are allowed: "),
    ],
)  # fmt: skip
def test_an_accident_is_refused_with_the_numbers(limits: Limits, path: str, sentence: str) -> None:
    refused = limits.refusal(said(REQUEST.validate_json(json.dumps(ACCIDENT))))
    assert isinstance(refused, InvalidRequest)
    assert refused.detail.errors[0].path == path
    with pytest.raises(InvalidRequest, match=sentence):
        raise refused
    assert "GRADSCAPE_MAX_" in str(refused.detail.hint)
    assert Limits().refusal(said(REQUEST.validate_json(json.dumps(ACCIDENT)))) is None


def test_the_field_that_costs_most_is_named() -> None:
    probes = [{"every": 1, "late": "wait", "analysis": {"kind": "surface", "resolution": 129}}]
    refused = Limits(hours=0.001).refusal(said(asked(probes=probes)))
    assert refused is not None
    assert refused.detail.errors[0].path == "probes.0.analysis"
    assert "come less often" in str(refused.detail.hint)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.1, "1 s"), (89, "89 s"), (600, "10 min"), (7200, "2 hours"), (250_000, "69 hours"), (1e9, "11,574 days")],
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def finished(store: SqliteStore, seconds: float, **more: Any) -> None:
    began = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    ended = began + datetime.timedelta(seconds=seconds)
    request = asked(**{"steps": 10_000, **more})
    run = Run(
        id=new_run_id(), kind="train", name="x", status="succeeded", created=began.isoformat(),
        started=began.isoformat(), ended=ended.isoformat(), request=request.to_json(), tags=request.tags,
    )  # fmt: skip
    store.create(run)


def test_finished_runs_tell_how_fast_this_machine_is() -> None:
    store, request = SqliteStore(":memory:"), asked(steps=5000)
    estimator = Estimator(store, tuple, Limits())
    usual, whole = said(request).working, said(asked(steps=10_000)).working
    for _ in range(FEWEST - 1):
        finished(store, 3 * whole)
    assert estimator.estimate(request).working == usual
    finished(store, 3 * whole)
    found = estimator.estimate(request)
    assert found.working == pytest.approx(3 * usual, rel=1e-3)
    assert found.measured == FEWEST
    for _ in range(10):
        finished(store, 9 * whole, pace=5.0)
        finished(store, 9 * whole, tags=["recorded"])
        finished(store, 0.01)
    assert estimator.estimate(request).measured == FEWEST
    store.close()


def test_of_ones_own_problem_it_says_that_it_does_not_know() -> None:
    assert said(asked()).known
    assert not said(asked(problem={"custom": {"name": "mine"}})).known
    assert isinstance(asked(problem={"custom": {"name": "mine"}}).problem, CustomProblem)
    assert isinstance(asked().problem, DataProblem)
