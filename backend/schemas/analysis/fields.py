"""Settings that several analyses have, described once."""

from typing import Any, Literal

from backend.schemas.fields import described

Resolution = Literal[5, 9, 17, 33, 65, 129]
BatchNormPolicy = Literal["frozen", "batch", "reestimated"]


def data_fraction() -> Any:
    """Make the ``data_fraction`` field."""
    return described(1.0, "Share of the training split that the loss is measured on (its front).", gt=0.0, le=1.0)


def batchnorm() -> Any:
    """Make the ``batchnorm`` field."""
    return described(
        "frozen",
        "BatchNorm's statistics: the running ones, those of the evaluation data, or re-estimated at each point.",
        title="BatchNorm",
    )
