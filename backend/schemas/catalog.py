"""What this installation can do: every problem, optimizer, schedule and analysis with its own description."""

from typing import Any

from backend.schemas.base import WireModel


class CatalogEntry(WireModel):
    """One component: ``json_schema`` validates its spec and makes its form; ``panels`` draw its events.

    ``field`` says where a request takes it, as in ``problem.function`` or ``lanes.optimizer``. Update rules and filters
    say whose their defaults are, and what a step costs in gradient evaluations: ``gradients`` as it comes, and in
    ``cost`` what that hangs on, if on anything. A filter's is what it adds to its rule's.
    """

    kind: str
    field: str | None = None
    name: str
    summary: str
    reference: str
    equation: str | None = None
    defaults_from: str | None = None
    gradients: float | None = None
    cost: str | None = None
    json_schema: dict[str, Any]
    panels: tuple[str, ...] = ()


class Catalog(WireModel):
    """Everything by family."""

    problems: tuple[CatalogEntry, ...]
    models: tuple[CatalogEntry, ...]
    losses: tuple[CatalogEntry, ...]
    optimizers: tuple[CatalogEntry, ...]
    filters: tuple[CatalogEntry, ...] = ()
    schedules: tuple[CatalogEntry, ...]
    planes: tuple[CatalogEntry, ...]
    analyses: tuple[CatalogEntry, ...]
    experiments: tuple[CatalogEntry, ...] = ()
