"""Update rules (one a file) and learning-rate schedules."""

from typing import Annotated

from pydantic import Field

from backend.schemas.optimizer.adagrad import AdagradOptimizer
from backend.schemas.optimizer.adam import AdamOptimizer
from backend.schemas.optimizer.adamw import AdamWOptimizer
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.rmsprop import RmspropOptimizer
from backend.schemas.optimizer.schedule import (
    SCHEDULE_KINDS,
    AnySchedule,
    ConstantSchedule,
    CosineSchedule,
    LinearSchedule,
)
from backend.schemas.optimizer.sgd import SgdOptimizer

__all__ = [
    "OPTIMIZER_KINDS", "SCHEDULE_KINDS", "AdagradOptimizer", "AdamOptimizer", "AdamWOptimizer", "AnyOptimizer",
    "AnySchedule", "ConstantSchedule", "CosineSchedule", "LinearSchedule", "OptimizerSpec", "RmspropOptimizer",
    "SgdOptimizer",
]  # fmt: skip

OPTIMIZER_KINDS = (SgdOptimizer, RmspropOptimizer, AdagradOptimizer, AdamOptimizer, AdamWOptimizer)
AnyOptimizer = Annotated[
    SgdOptimizer | RmspropOptimizer | AdagradOptimizer | AdamOptimizer | AdamWOptimizer, Field(discriminator="kind")
]
