"""The catalog tells of everything there is, in its own words, and the registries can make all of it."""

from typing import Any

import pytest

from backend.core.analyses.registry import ANALYSES, analysis_for
from backend.core.catalog import PANELS, make_catalog
from backend.schemas.analysis import ANALYSIS_KINDS, PROBE_KINDS, AnalysisSpec
from backend.schemas.analysis.plane import PLANE_KINDS
from backend.schemas.catalog import Catalog
from backend.schemas.optimizer import FILTER_KINDS, OPTIMIZER_KINDS
from backend.schemas.optimizer.schedule import SCHEDULE_KINDS
from backend.schemas.problem.data import DATA_KINDS
from backend.schemas.problem.function import FUNCTION_KINDS
from backend.schemas.problem.loss import LOSS_KINDS
from backend.schemas.problem.model import MODEL_KINDS
from backend.schemas.problem.pde import ANSATZ_KINDS, PDE_KINDS
from backend.schemas.run import TrainRequest

FAMILIES: dict[str, tuple[Any, ...]] = {
    "problems": (*DATA_KINDS, *FUNCTION_KINDS, *PDE_KINDS),
    "models": (*MODEL_KINDS, *ANSATZ_KINDS),
    "losses": LOSS_KINDS,
    "optimizers": OPTIMIZER_KINDS,
    "filters": FILTER_KINDS,
    "schedules": SCHEDULE_KINDS,
    "planes": PLANE_KINDS,
    "analyses": ANALYSIS_KINDS,
}


@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_family_is_told_whole(family: str) -> None:
    entries = getattr(make_catalog(), family)
    assert [entry.kind for entry in entries] == [spec.model_fields["kind"].default for spec in FAMILIES[family]]
    for entry, spec in zip(entries, FAMILIES[family], strict=True):
        assert (entry.name, entry.summary) == (spec.title, spec.summary)
        assert entry.json_schema["properties"].keys() == spec.model_fields.keys()
        assert entry.field is not None


def test_a_rule_says_whose_its_defaults_are_and_what_a_step_costs() -> None:
    catalog = make_catalog()
    for entry, spec in zip(catalog.optimizers, OPTIMIZER_KINDS, strict=True):
        assert (entry.equation, entry.reference) == (spec.equation, spec.reference)
        assert entry.defaults_from
        assert any(source in entry.defaults_from for source in ("ours", "'s"))
        assert entry.gradients == spec.gradients >= 1
    hanging = {entry.kind for entry in catalog.optimizers if entry.cost}
    assert hanging == {
        "lbfgs", "entropy_sgd", "newton", "saddle_free_newton", "natural_gradient", "oasis", "forward_gradient", "cbo",
    }  # fmt: skip
    assert {entry.kind: entry.gradients for entry in catalog.filters} == {
        "clip": 0.0, "grokfast": 0.0, "gradient_regularization": 1.0,
    }  # fmt: skip
    assert all(entry.defaults_from for entry in catalog.filters)
    assert {entry.gradients for entry in (*catalog.models, *catalog.schedules)} == {None}


def test_it_survives_the_wire() -> None:
    catalog = make_catalog()
    assert Catalog.decode(catalog.encode()) == catalog


def test_every_analysis_is_listed_once() -> None:
    assert [spec for spec, _ in ANALYSES] == [TrainRequest, *ANALYSIS_KINDS]
    for spec, analysis in ANALYSES:
        assert analysis_for(spec()) is analysis


def test_an_unknown_analysis_is_named() -> None:
    class Homemade(AnalysisSpec):
        pass

    with pytest.raises(LookupError, match="Homemade"):
        analysis_for(Homemade())


def test_every_probe_says_which_panels_draw_it_or_that_none_does() -> None:
    assert {spec.model_fields["kind"].default for spec in PROBE_KINDS} <= set(PANELS)
