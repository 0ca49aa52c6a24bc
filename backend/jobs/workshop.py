"""What a worker needs of the core, behind one small contract, so that tests can put scripted analyses in its place.

Engines hold a workshop's dotted name and not the thing itself: a spawned worker imports it for itself, and the
serving process never does.
"""

import importlib
import json
from typing import TYPE_CHECKING, Final, Protocol, cast

from backend.schemas.base import SpecModel
from backend.schemas.catalog import Catalog
from backend.schemas.run import AnyRequest, TrainRequest

if TYPE_CHECKING:
    from backend.core.analyses.base import Analysis

CORE_WORKSHOP: Final = "backend.jobs.workshop:CORE"


class Workshop(Protocol):
    """Where a worker finds analyses."""

    def catalog(self) -> Catalog:
        """Describe all there is."""
        ...

    def analysis(self, request: AnyRequest) -> "tuple[Analysis[SpecModel], SpecModel]":
        """Return what a request asks for, with its settings."""
        ...

    def warm(self) -> tuple[AnyRequest, ...]:
        """Return tiny runs that load what the first real one would have to wait for."""
        ...


class CoreWorkshop:
    """The analyses of ``backend.core``, imported when first asked for."""

    def catalog(self) -> Catalog:
        """Describe all there is."""
        from backend.core.catalog import make_catalog

        return make_catalog()

    def analysis(self, request: AnyRequest) -> "tuple[Analysis[SpecModel], SpecModel]":
        """Return what a request asks for, with its settings."""
        from backend.core.analyses.registry import analysis_for

        spec: SpecModel = request if isinstance(request, TrainRequest) else request.analysis
        return cast("Analysis[SpecModel]", analysis_for(spec)), spec

    def warm(self) -> tuple[AnyRequest, ...]:
        """Return a few steps of a small race on digits, looked at on a surface."""
        lanes = [{"name": kind, "optimizer": {"kind": kind}} for kind in ("sgd", "adam")]
        plane = {"kind": "pca"}
        looks = ({"kind": "surface", "plane": plane, "resolution": 5}, {"kind": "trajectory", "plane": plane})
        probes = [{"every": 2, "analysis": look} for look in looks]
        race = {"steps": 2, "batch_size": 64, "tune": False, "lanes": lanes, "probes": probes}
        return (TrainRequest.model_validate_json(json.dumps(race)),)


CORE: Final = CoreWorkshop()


def load_workshop(name: str) -> Workshop:
    """Import a workshop by its dotted name, as in ``package.module:NAME``."""
    module, _, attribute = name.partition(":")
    return cast("Workshop", getattr(importlib.import_module(module), attribute))
