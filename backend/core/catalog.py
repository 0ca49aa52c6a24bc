"""The catalog: what this installation can do, each component in its own words."""

from typing import Any, Final

from backend.core.analyses.registry import ANALYSES
from backend.core.optimizers.registry import OPTIMIZERS
from backend.schemas.analysis import AnalysisSpec
from backend.schemas.analysis.plane import PLANE_KINDS
from backend.schemas.base import SpecModel
from backend.schemas.catalog import Catalog, CatalogEntry
from backend.schemas.optimizer import FILTER_KINDS
from backend.schemas.optimizer.schedule import SCHEDULE_KINDS
from backend.schemas.problem.data import DATA_KINDS
from backend.schemas.problem.function import FUNCTION_KINDS
from backend.schemas.problem.loss import LOSS_KINDS
from backend.schemas.problem.model import MODEL_KINDS
from backend.schemas.problem.pde import ANSATZ_KINDS, PDE_KINDS

PANELS: Final = {  # analysis → panels that draw its events
    "surface": ("landscape",),
    "slice": ("slice",),
    "trajectory": ("landscape",),
    "sharpness": ("sharpness",),
    "roughness": ("roughness",),
    "connectivity": ("connectivity", "landscape"),
    "intrinsic_dimension": ("dimension",),
    "spectrum": ("spectrum",),
    "top_eigenvalues": ("spectrum",),
    "trace": ("spectrum",),
    "index": ("spectrum",),
    "overlap": ("overlap",),
    "solution": ("solution",),
    "movement": ("movement",),
    "basin": ("basin",),
    "sweep": ("sweep",),
    "teleport": ("teleport",),
    "gradient_stats": ("gradients", "examples", "conflict", "opposing", "sizes", "singular"),
    "ntk": ("ntk",),
    "saliency": ("saliency",),
    "saliency_trust": ("trust",),
}


def make_catalog() -> Catalog:
    """Describe every problem, optimizer, schedule, plane and analysis from its spec.

    Optimizers and analyses are those of the registries, so that nothing is promised which cannot be run.

    Returns:
        The catalog; the same at every call.
    """
    return Catalog(
        problems=(
            *_entries(DATA_KINDS, "problem.data"),
            *_entries(FUNCTION_KINDS, "problem.function"),
            *_entries(PDE_KINDS, "problem.pde"),
        ),
        models=(*_entries(MODEL_KINDS, "problem.model"), *_entries(ANSATZ_KINDS, "problem.pde.ansatz")),
        losses=_entries(LOSS_KINDS, "problem.loss"),
        optimizers=_entries([rule.spec for rule in OPTIMIZERS], "lanes.optimizer"),
        filters=_entries(FILTER_KINDS, "lanes.filters"),
        schedules=_entries(SCHEDULE_KINDS, "lanes.schedule"),
        planes=_entries(PLANE_KINDS, "analysis.plane"),
        analyses=_entries([spec for spec, _ in ANALYSES if issubclass(spec, AnalysisSpec)], "analysis"),
    )


def _entries(kinds: Any, field: str) -> tuple[CatalogEntry, ...]:
    return tuple(_entry(spec, field) for spec in kinds)


def _entry(spec: type[SpecModel], field: str) -> CatalogEntry:
    said = vars(spec)  # title and summary are every spec's; reference and equation some families have
    kind = spec.model_fields["kind"].default
    return CatalogEntry(
        kind=kind,
        field=field,
        name=said["title"],
        summary=said["summary"],
        reference=said.get("reference", ""),
        equation=said.get("equation"),
        defaults_from=getattr(spec, "defaults_from", None),
        gradients=getattr(spec, "gradients", None),
        cost=getattr(spec, "cost", None) or None,
        json_schema=spec.model_json_schema(),
        panels=PANELS.get(kind, ()),
    )
